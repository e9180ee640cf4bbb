import {
  assertInPhoto,
  assertRegistered,
  assertUnchanged,
  computedBy,
  DEFAULT_REFINEMENT,
  type DepthSource,
  decodePhoto,
  type Extent,
  FaceError,
  type FaceFlow,
  type FlowOptions,
  flowStatistics,
  type HashedFile,
  hashFile,
  hasPhotos,
  PRODUCT_NAMES,
  type Provenance,
  photoFile,
  productFiles,
  type Refinement,
  type RegisteredFlowResult,
  type ResultFolder,
  summarise,
  UP_AXES,
  type WeightsInfo,
  type WriteOptions,
  withDigest,
  writeProducts,
} from '../index.js'
import { flowOptions, type PairFlags, productChoice } from './options.js'

/** Two photos as they were when their bytes were hashed. */
export interface PhotoPair {
  readonly a: HashedFile
  readonly b: HashedFile
}

/** @throws FaceError INVALID_INPUT */
export async function hashPhotos(a: string, b: string): Promise<PhotoPair> {
  return { a: await hashFile(photoFile(a, 'photo A')), b: await hashFile(photoFile(b, 'photo B')) }
}

/** Decodes both photos, so that what is wrong with them is said before a device is opened. @throws FaceError */
export async function checkPhotos({ a, b }: PhotoPair, flags: PairFlags): Promise<void> {
  const points = [
    [a.file, flags.at],
    [b.file, flags.atB],
  ] as const
  for (const [file, at] of points) {
    const image = await decodePhoto(file)
    if (flags.registered) assertRegistered(image, file)
    if (at) assertInPhoto(at, image, file)
  }
}

/** The files that a command line asks for. @throws FaceError INVALID_ARGUMENT for one that it rules out */
export function wantedFiles(flags: PairFlags): string[] {
  const { backward = true } = flowOptions(flags)
  const files = productFiles(productChoice(flags), { backward, photos: !flags.registered })
  // Groups do without what shows the flow back, a name means the file.
  const missing = flags.only?.find((name) => PRODUCT_NAMES.includes(name) && !files.includes(name))
  if (missing === undefined) return files
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${missing} shows the flow from B to A, which --no-backward leaves out; give one of them`,
    { name: missing },
  )
}

/** What a command line would compute a pair by. */
export function expectedProvenance(
  { a, b }: PhotoPair,
  flags: PairFlags,
  network: {
    readonly weights: WeightsInfo
    readonly depthSource: DepthSource
    readonly refinement?: Refinement
    readonly extent: Extent
  },
): Provenance {
  // The flow back decides which files there are, not what is in them.
  const { backward: _, ...choices } = flowOptions(flags)
  return {
    ...computedBy(network.weights),
    options: {
      registered: flags.registered ?? false,
      refinement: network.refinement ?? flags.refinement ?? DEFAULT_REFINEMENT,
      depthSource: network.depthSource,
      extent: network.extent,
      half: flags.half ?? false,
      up: flags.up ?? UP_AXES[0],
      ...choices,
    },
    inputs: { 'photo A': a.sha256, 'photo B': b.sha256 },
  }
}

/** Computes one pair and writes its folder. @returns the result, its summary and the names of the written files */
export async function runPair(
  faceFlow: FaceFlow,
  photos: PhotoPair,
  folder: string | ResultFolder,
  flags: PairFlags,
  onNote: (text: string) => void,
): Promise<WrittenPair> {
  const options: FlowOptions = flowOptions(flags)
  const result = flags.registered
    ? await faceFlow.flowRegistered(photos.a.file, photos.b.file, options)
    : await faceFlow.flow(photos.a.file, photos.b.file, options)
  await assertUnchanged(photos.a)
  await assertUnchanged(photos.b)
  return await writePair(result, photos, folder, flags, onNote)
}

export interface WrittenPair {
  readonly result: RegisteredFlowResult
  readonly summary: Record<string, unknown>
  readonly files: string[]
}

/** Writes the folder of a computed pair. */
export async function writePair(
  result: RegisteredFlowResult,
  photos: PhotoPair,
  folder: string | ResultFolder,
  flags: PairFlags,
  onNote: (text: string) => void,
): Promise<WrittenPair> {
  const names = { a: photos.a.file, b: photos.b.file }
  const provenance = { ...expectedProvenance(photos, flags, result), date: new Date().toISOString() }
  const writing: WriteOptions = {
    names,
    provenance,
    onNote,
    ...productChoice(flags),
    ...(flags.half && { half: true }),
    ...(flags.up && { up: flags.up }),
  }
  const files = await writeProducts(result, folder, writing)
  return { result, summary: summarise(result, names, withDigest(provenance)), files }
}

/** The few numbers a person wants to see, as aligned lines. */
export function resultTable(result: RegisteredFlowResult): string {
  const statistics = flowStatistics(result)
  const matched = result.photometric.exposureMatched
  const motion = hasPhotos(result) ? result.rigidPhoto : result.rigid
  const { yaw, pitch, roll } = motion.angles
  const total = Object.values(result.timingsMs).reduce((sum, ms) => sum + ms, 0)
  const rows: [string, string][] = [
    ['mean flow', `${statistics.meanLength.toFixed(2)} px (largest ${statistics.maxLength.toFixed(2)} px)`],
    ['mean depth change', `${statistics.meanDepthChange.toFixed(2)} px`],
    ['mean expression', `${statistics.meanExpression.toFixed(2)} px without the head motion`],
    ['head motion', `yaw ${yaw.toFixed(1)}, pitch ${pitch.toFixed(1)}, roll ${roll.toFixed(1)} degrees`],
    [
      'photometric residual',
      `${result.photometric.after.toFixed(1)} grey levels (${result.photometric.before.toFixed(1)} without flow)`,
    ],
    [
      'exposure matched',
      `${matched.after.toFixed(1)} grey levels (${matched.before.toFixed(1)} without flow)`,
    ],
  ]
  if (statistics.occludedShare !== null) {
    rows.push(['occluded', `${(100 * statistics.occludedShare).toFixed(1)} % of the face`])
  }
  if (hasPhotos(result)) {
    rows.push([
      'registration',
      `${result.a.registrationResidual.toFixed(2)} px (A), ${result.b.registrationResidual.toFixed(2)} px (B) from the template`,
    ])
  }
  const { weights } = result
  rows.push(
    ['weights', describeWeights(weights, 12)],
    ['adapter', result.adapter],
    ['time', `${total.toFixed(0)} ms`],
  )
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join('')
}

/** @param digits of the hash that are shown */
export function describeWeights({ name, hash, epe }: WeightsInfo, digits = hash.length): string {
  const error = epe === null ? 'error not measured' : `measured error ${epe.toFixed(2)} px`
  return `${name} ${hash.slice(0, digits)}, ${error}`
}
