import { FaceError } from '../errors.js'
import type { RegisteredFlowResult } from '../face/types.js'
import { hasPhotos } from '../face/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { encodePng } from '../platform/index.js'
import { type FileSystem, nodeFileSystem, probeOutputFolder } from '../platform/node/atomic.js'
import { flowToPhoto } from '../products/photo-flow.js'
import { fromFunction } from '../viz/canvas.js'
import {
  depthTile,
  drawOverview,
  drawPicture,
  expressionTile,
  flowTile,
  meshTiles,
  quiverTile,
  registeredTiles,
  reliabilityTiles,
  residualTile,
} from '../viz/figures.js'
import { maskMap, pnccMap } from '../viz/maps.js'
import type { Tile } from '../viz/tiles.js'
import { encodeFlo } from './flo.js'
import { encodeMotionGlb, encodeObj, encodePly } from './mesh.js'
import { encodeNpy } from './npy.js'
import type { Provenance } from './provenance.js'
import {
  assertNothingForeign,
  type EarlierResult,
  folderIsHeld,
  RESULT_FILE,
  ResultFolder,
  readEarlierResult,
} from './result-folder.js'
import { type InputNames, summarise } from './summary.js'
import { faceTexture, registeredUv, vertexColours } from './texture.js'

/** The files of a result. */

type Bytes = Uint8Array | string

/** One file that a result can be written to. */
export interface Product {
  readonly name: string
  readonly group: 'data' | 'meshes' | 'pictures'
  /** Shows what only the flow from B to A can tell. */
  readonly needsBackward?: true
  /** Content, or null when the result lacks what the file shows. */
  make(result: RegisteredFlowResult): Promise<Bytes | null> | Bytes | null
}

const N = TEMPLATE_SIZE
const FRAME_NOTE = 'template frame 224x224 px: x right, y down, z away from the camera'

const DATA: readonly Product[] = [
  { name: 'flow.npy', group: 'data', make: (r) => encodeNpy(r.flow, [N, N, 3]) },
  { name: 'flow.flo', group: 'data', make: (r) => encodeFlo(r.flow, r.mask, N, N) },
  {
    name: 'flow_backward.npy',
    group: 'data',
    needsBackward: true,
    make: (r) => (r.backwardFlow ? encodeNpy(r.backwardFlow, [N, N, 3]) : null),
  },
  {
    name: 'confidence.npy',
    group: 'data',
    needsBackward: true,
    make: (r) => (r.confidence ? encodeNpy(r.confidence, [N, N]) : null),
  },
  { name: 'mask.png', group: 'data', make: (r) => encodePng(maskMap(r.mask)) },
  { name: 'pncc.png', group: 'data', make: (r) => encodePng(pnccMap(r.pncc)) },
  { name: 'registered_a.png', group: 'data', make: (r) => encodePng(r.registeredA) },
  { name: 'registered_b.png', group: 'data', make: (r) => encodePng(r.registeredB) },
  { name: 'warped_b.png', group: 'data', make: (r) => encodePng(r.warpedB) },
]

const MESHES: readonly Product[] = [
  {
    name: 'mesh_a.obj',
    group: 'meshes',
    make: (r) =>
      encodeObj({ vertices: r.meshA, triangles: r.triangles }, registeredUv(r.meshA), [
        `mesh of A, ${FRAME_NOTE}`,
        'texture coordinates lie on registered_a.png',
      ]),
  },
  {
    name: 'mesh_b.ply',
    group: 'meshes',
    make: (r) =>
      encodePly({ vertices: r.meshB, triangles: r.triangles }, vertexColours(r.registeredB, r.meshB), [
        `mesh of A moved by the flow, ${FRAME_NOTE}`,
      ]),
  },
  {
    name: 'motion.glb',
    group: 'meshes',
    async make(r) {
      const { image, uv } = await faceTexture(r)
      return encodeMotionGlb({ vertices: r.meshA, triangles: r.triangles }, r.meshB, uv, image)
    },
  },
]

const picture = (name: string, tiles: (result: RegisteredFlowResult) => Tile[]): Product => ({
  name,
  group: 'pictures',
  async make(result) {
    const shown = tiles(result)
    return shown.length === 0 ? null : encodePng(await drawPicture(shown))
  },
})

const PICTURES: readonly Product[] = [
  picture('registered.png', registeredTiles),
  picture('mesh.png', meshTiles),
  picture('flow.png', (r) => [flowTile(r)]),
  picture('dz.png', (r) => [depthTile(r)]),
  picture('quiver.png', (r) => [quiverTile(r)]),
  picture('expression.png', (r) => [expressionTile(r)]),
  { ...picture('occlusion.png', reliabilityTiles), needsBackward: true },
  picture('residual.png', (r) => [residualTile(r)]),
  { name: 'overview.png', group: 'pictures', make: async (r) => encodePng(await drawOverview(r)) },
]

const ALL: readonly Product[] = [...DATA, ...MESHES, ...PICTURES]
const PHOTO_SPACE_NAMES = ['photo_flow.npy', 'photo_flow.flo', 'photo_mask.png'] as const

/** Names and groups that `only` accepts. */
export const PRODUCT_NAMES: readonly string[] = ALL.map((product) => product.name)
export const PRODUCT_GROUPS: readonly string[] = ['data', 'meshes', 'pictures']

export interface WriteOptions {
  /** File names of {@link PRODUCT_NAMES} or groups of {@link PRODUCT_GROUPS}. Default: all. */
  readonly only?: readonly string[]
  /** Also the flow at the full resolution of photo A. Needs a result of `flow()`. */
  readonly photoSpace?: boolean
  /** Names of the inputs for result.json. */
  readonly names?: InputNames
  /** What the result was computed by, and when (ISO 8601), for result.json. */
  readonly provenance?: Provenance & { readonly date: string }
  /** Told what was set aside, a sentence each. */
  readonly onNote?: (text: string) => void
  readonly fs?: FileSystem
}

/** Every name that a result can have on disk. */
const KNOWN_FILES: ReadonlySet<string> = new Set([
  ...ALL.map(({ name }) => name),
  ...PHOTO_SPACE_NAMES,
  RESULT_FILE,
])

/** Takes the folder of a result for this process. See {@link ResultFolder.claim}. */
export function claimResultFolder(path: string): ReturnType<typeof ResultFolder.claim> {
  return ResultFolder.claim(path, KNOWN_FILES)
}

/**
 * What an earlier run left in a folder.
 * @throws FaceError OUTPUT_FAILED if it cannot be looked into
 */
export function earlierResult(folder: string): Promise<EarlierResult> {
  return readEarlierResult(folder, KNOWN_FILES)
}

/**
 * Whether files can be written into a folder, found out before anything is computed.
 * @param names the files, see {@link productFiles}
 * @throws FaceError OUTPUT_FAILED: it cannot be made, is not writable, or holds a file of others by that name
 */
export async function checkOutput(folder: string, names: readonly string[]): Promise<void> {
  await probeOutputFolder(folder)
  await assertNothingForeign(folder, names, await earlierResult(folder))
}

/**
 * Writes the files of a result; each appears whole or not at all, result.json last. Files that an earlier
 * result listed are replaced or removed, files of others stay and are never overwritten.
 * @param folder its name, or the folder as it was claimed
 * @returns names of the written files, in order
 * @throws FaceError OUTPUT_FAILED, INVALID_ARGUMENT for an unknown name in `only`
 */
export async function writeProducts(
  result: RegisteredFlowResult,
  folder: string | ResultFolder,
  options: WriteOptions = {},
): Promise<string[]> {
  if (typeof folder !== 'string') return await writeInto(folder, result, options)
  const claimed = await ResultFolder.claim(folder, KNOWN_FILES, options.fs ?? nodeFileSystem)
  if ('heldBy' in claimed) throw folderIsHeld(folder, claimed.heldBy, claimed.lockFile)
  try {
    return await writeInto(claimed, result, options)
  } finally {
    await claimed.release()
  }
}

async function writeInto(
  folder: ResultFolder,
  result: RegisteredFlowResult,
  options: WriteOptions,
): Promise<string[]> {
  const { only, photoSpace = false, names = { a: 'A', b: 'B' }, onNote = () => {} } = options
  const chosen = selectProducts(only)
  if (photoSpace && !hasPhotos(result)) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'photo-space flow needs photos: a registered pair has no other frame than the template',
    )
  }
  await folder.begin(productFiles(options, result.backwardFlow !== undefined), onNote)
  const written: string[] = []
  const write = async (name: string, content: Bytes) => {
    await folder.write(name, content)
    written.push(name)
  }
  for (const product of chosen) {
    const content = await product.make(result)
    if (content !== null) await write(product.name, content)
  }
  if (photoSpace) for (const [name, content] of await photoSpaceFiles(result)) await write(name, content)
  const summary = { ...summarise(result, names, options.provenance), files: [...written, RESULT_FILE] }
  await write(RESULT_FILE, `${JSON.stringify(summary, null, 2)}\n`)
  await folder.finish()
  return written
}

/**
 * Checks a list of names and groups before any work is done.
 * @throws FaceError INVALID_ARGUMENT naming what is allowed
 */
export function selectProducts(only?: readonly string[]): readonly Product[] {
  if (only === undefined) return ALL
  for (const name of only) {
    if (name === RESULT_FILE || PRODUCT_NAMES.includes(name) || PRODUCT_GROUPS.includes(name)) continue
    throw new FaceError(
      'INVALID_ARGUMENT',
      `no product is called "${name}"; choose from ${[...PRODUCT_GROUPS, ...PRODUCT_NAMES].join(', ')}`,
      { name },
    )
  }
  return ALL.filter((product) => only.includes(product.name) || only.includes(product.group))
}

/**
 * The files that `writeProducts` makes of a result.
 * @param backward whether the result has the flow from B to A
 * @throws FaceError INVALID_ARGUMENT for an unknown name in `only`
 */
export function productFiles(
  options: Pick<WriteOptions, 'only' | 'photoSpace'>,
  backward: boolean,
): string[] {
  const products = selectProducts(options.only).filter(({ needsBackward }) => backward || !needsBackward)
  return [...products.map(({ name }) => name), ...(options.photoSpace ? PHOTO_SPACE_NAMES : []), RESULT_FILE]
}

async function photoSpaceFiles(result: RegisteredFlowResult): Promise<[string, Bytes][]> {
  if (!hasPhotos(result)) return []
  const { width, height } = result.a.image
  const { flow, mask } = flowToPhoto(
    result.flow,
    result.mask,
    result.a.toTemplate,
    result.b.toTemplate,
    result.a.image,
  )
  const maskImage = fromFunction(width, height, (_x, _y, i) => (mask[i] === 0 ? [0, 0, 0] : [255, 255, 255]))
  const [npy, flo, png] = PHOTO_SPACE_NAMES
  return [
    [npy, encodeNpy(flow, [height, width, 3])],
    [flo, encodeFlo(flow, mask, width, height)],
    [png, await encodePng(maskImage)],
  ]
}
