import { FaceError } from '../errors.js'
import { hasPhotos, type RegisteredFlowResult } from '../face/types.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import { type FileSystem, nodeFileSystem, probeOutputFolder } from '../platform/node/atomic.js'
import { UP_AXES } from './mesh.js'
import {
  type Bytes,
  type FormatOptions,
  type Product,
  type ProductChoice,
  ProductSource,
  productFiles,
  RESULT_FILE,
  RESULT_FILES,
  selectProducts,
} from './product-list.js'
import { type Provenance, withDigest } from './provenance.js'
import {
  assertKeepsInputs,
  assertNotHeld,
  assertNothingForeign,
  type EarlierResult,
  folderIsHeld,
  ResultFolder,
  readEarlierResult,
} from './result-folder.js'
import { type InputNames, summarise } from './summary.js'

/** Writing the files of a result. */

export interface WriteOptions extends ProductChoice, FormatOptions {
  /** Names of the inputs for result.json. */
  readonly names?: InputNames
  /** What the result was computed by, and when (ISO 8601), for result.json. */
  readonly provenance?: Provenance & { readonly date: string }
  /** Told what was set aside and what was rounded, a sentence each. */
  readonly onNote?: (text: string) => void
  readonly fs?: FileSystem
}

const WRITE_OPTIONS: OptionNames<WriteOptions> = {
  only: true,
  photoSpace: true,
  half: true,
  up: true,
  names: true,
  provenance: true,
  onNote: true,
  fs: true,
}

/** Takes the folder of a result for this process. See {@link ResultFolder.claim}. */
export function claimResultFolder(path: string): ReturnType<typeof ResultFolder.claim> {
  return ResultFolder.claim(path, RESULT_FILES)
}

/**
 * What an earlier run left in a folder.
 * @throws FaceError OUTPUT_FAILED if it cannot be looked into
 */
export function earlierResult(folder: string): Promise<EarlierResult> {
  return readEarlierResult(folder, RESULT_FILES)
}

/**
 * Whether files can be written into a folder, found out before anything is computed.
 * @param names the files, see {@link productFiles}
 * @param inputs files that the result is computed from
 * @throws FaceError OUTPUT_FAILED: it cannot be made, is not writable, holds a file of others by that name or an input
 *   among what an earlier result listed, or another process works in it
 */
export async function checkOutput(
  folder: string,
  names: readonly string[],
  inputs: readonly string[],
): Promise<void> {
  await probeOutputFolder(folder)
  await assertNotHeld(folder)
  await checkNames(folder, names, inputs)
}

/**
 * The part of {@link checkOutput} for a folder that this process has claimed.
 * @throws FaceError OUTPUT_FAILED: it holds a file of others by one of the names, or an input that would go
 */
export async function checkNames(
  folder: string,
  names: readonly string[],
  inputs: readonly string[],
): Promise<void> {
  const earlier = await earlierResult(folder)
  await assertNothingForeign(folder, names, earlier)
  await assertKeepsInputs(folder, inputs, earlier)
}

/**
 * Writes the files of a result; each appears whole or not at all, result.json last. Files that an earlier
 * result listed are replaced or removed, files of others stay and are never overwritten.
 * @param folder its name, or the folder as it was claimed
 * @returns names of the written files, in order
 * @throws FaceError OUTPUT_FAILED, INVALID_ARGUMENT for an unknown name in `only` and for arguments of other types
 */
export async function writeProducts(
  result: RegisteredFlowResult,
  folder: string | ResultFolder,
  options: WriteOptions = {},
): Promise<string[]> {
  checkArguments(result, folder, options)
  if (typeof folder !== 'string') return await writeInto(folder, result, options)
  const claimed = await ResultFolder.claim(folder, RESULT_FILES, options.fs ?? nodeFileSystem)
  if ('heldBy' in claimed) throw folderIsHeld(folder, claimed.heldBy, claimed.lockFile)
  try {
    return await writeInto(claimed, result, options)
  } finally {
    await claimed.release()
  }
}

/** Callers in JavaScript may pass anything. @throws FaceError INVALID_ARGUMENT */
function checkArguments(result: unknown, folder: unknown, options: WriteOptions): void {
  const { flow, mask } = (result ?? {}) as { flow?: unknown; mask?: unknown }
  if (!ArrayBuffer.isView(flow) || !ArrayBuffer.isView(mask)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'result is what flow() or flowRegistered() resolves to (await it)',
    )
  }
  const isClaimed = typeof (folder as ResultFolder | undefined)?.begin === 'function'
  if (!isClaimed && (typeof folder !== 'string' || folder === '')) {
    throw new FaceError('INVALID_ARGUMENT', 'folder is the name of the folder to write to')
  }
  checkOptionNames('writeProducts()', options, WRITE_OPTIONS, FaceError)
  const { only, up } = options
  if (only !== undefined && !Array.isArray(only)) {
    throw new FaceError('INVALID_ARGUMENT', `only is an array of names, got ${String(only)}`)
  }
  if (up !== undefined && !UP_AXES.includes(up)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `there is no axis "${up}" for up; choose from ${UP_AXES.join(', ')}`,
    )
  }
}

async function writeInto(
  folder: ResultFolder,
  result: RegisteredFlowResult,
  options: WriteOptions,
): Promise<string[]> {
  const { names = { a: 'A', b: 'B' }, onNote = () => {} } = options
  const facts = { backward: result.backwardFlow !== undefined, photos: hasPhotos(result) }
  const files = productFiles(options, facts)
  await folder.begin(files, onNote)
  const source = new ProductSource(result, options)
  const products = selectProducts(options).filter(({ name }) => files.includes(name))
  const written = new Set<string>()
  const make = (product: Product) => product.make(source)
  const write = async ({ name }: Product, content: Bytes | null): Promise<void> => {
    if (content === null) return
    await folder.write(name, content)
    written.add(name)
  }
  const isLarge = ({ group }: Product) => group === 'photo-space'
  const [large, small] = [products.filter(isLarge), products.filter((product) => !isLarge(product))]
  await pipeline(small, AT_ONCE, make, write)
  // Gigabytes for the largest photos: one after another.
  await pipeline(large, 1, make, write)
  if (options.half) for (const note of roundingNotes(source, written)) onNote(note)
  const complete = files.filter((name) => written.has(name) || name === RESULT_FILE)
  const summary = {
    ...summarise(result, names, options.provenance && withDigest(options.provenance)),
    files: complete,
  }
  await folder.write(RESULT_FILE, `${JSON.stringify(summary, null, 2)}\n`)
  await folder.finish()
  return complete
}

/** Files under way at a time: drawing and packing one overlaps with writing another. */
const AT_ONCE = 4

/**
 * Makes `limit` items at a time and writes them in order. After a failure none is begun or written, and those
 * under way are waited for.
 */
async function pipeline<T, C>(
  items: readonly T[],
  limit: number,
  make: (item: T) => Promise<C> | C,
  write: (item: T, content: C) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  let failure: { readonly error: unknown } | undefined
  let turn: Promise<void> = Promise.resolve()
  const finish = async (item: T, turnOfItem: Promise<void>): Promise<void> => {
    try {
      const content = await make(item)
      await turnOfItem
      if (failure === undefined) await write(item, content)
    } catch (error) {
      failure ??= { error }
    }
  }
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && !failure; item = waiting.shift()) {
      turn = finish(item, turn)
      await turn
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failure !== undefined) throw failure.error
}

/** Half precision is fine for a template of 224 px, and coarse for photos whose faces move by thousands. */
const COARSE_PX = 0.05

function roundingNotes(source: ProductSource, written: ReadonlySet<string>): string[] {
  if (!written.has('photo_flow.npy')) return []
  const largest = source.photoFlow().flow.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const rounding = 2 ** (Math.floor(Math.log2(largest)) - 11)
  if (!(rounding > COARSE_PX)) return []
  return [
    `photo_flow.npy: motion of up to ${largest.toFixed(0)} px is rounded by up to ${rounding} px in half precision`,
  ]
}
