import type { RegisteredFlowResult } from '../face/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { encodeNpy } from '../io/npy.js'
import { flowStatistics } from '../io/summary.js'
import { encodeGreyPng, encodeJpeg, encodePng } from '../platform/index.js'
import { sha256Now } from '../platform/node/hash.js'
import { packageFacts } from '../platform/node/package-root.js'
import { floatsToHalves, halvesToFloats } from '../weights/float16.js'
import type { CorpusEntry } from './entry.js'
import type { CorpusOptions } from './options.js'
import type { ChosenPair } from './pair-sampler.js'
import { type PairRow, similarityNumbers, single } from './rows.js'

const N = TEMPLATE_SIZE
const JPEG_QUALITY = 95

/** A file of a sample. */
export interface SampleFile {
  /** What follows the first dot of its name. */
  readonly extension: string
  readonly bytes: Uint8Array
}

/** A sample of a shard, and its row in the table of pairs. */
export interface Sample {
  readonly row: PairRow
  /** In the order of their names. */
  readonly files: readonly SampleFile[]
}

/**
 * The files of a pair: registered frames, flow, mask and what else is asked for. The same result gives the same bytes.
 * @param pair a gap of 0: a pair of photos
 */
export async function makeSample(
  entry: CorpusEntry,
  track: number,
  pair: ChosenPair,
  result: RegisteredFlowResult,
  options: CorpusOptions,
): Promise<Sample> {
  const { flow, mask, occlusion, weights, adapter, photometric, rigid } = result
  const image = (picture: RegisteredFlowResult['registeredA']) =>
    options.images === 'png' ? encodePng(picture) : encodeJpeg(picture, JPEG_QUALITY)
  const suffix = options.images === 'png' ? 'png' : 'jpg'
  const white = (of: Uint8Array) =>
    encodeGreyPng(
      of.map((value) => (value === 0 ? 0 : 255)),
      N,
      N,
    )
  const files: SampleFile[] = [
    { extension: 'flow.npy', bytes: encodeNpy(flow, [N, N, 3], true) },
    { extension: `i1.${suffix}`, bytes: await image(result.registeredA) },
    { extension: `i2.${suffix}`, bytes: await image(result.registeredB) },
    { extension: 'mask.png', bytes: await white(mask) },
    ...(occlusion ? [{ extension: 'occlusion.png', bytes: await white(occlusion) }] : []),
    ...(options.pncc ? [{ extension: 'pncc.npy', bytes: encodeNpy(result.pncc, [N, N, 3], true) }] : []),
  ]
  const { a, b, gap, motion } = pair
  const statistics = flowStatistics(result)
  const { yaw, pitch, roll } = rigid.angles
  const figures = {
    key: sampleKey(entry, track, pair),
    entry: entry.id,
    kind: entry.kind,
    paths: entry.names,
    group: entry.group,
    track,
    frame_a: a.frame,
    frame_b: b.frame,
    gap: gap === 0 ? null : gap,
    time_a: a.time,
    time_b: b.time,
    mesh_motion: single(motion),
    yaw_a: single(a.pose.yaw),
    pitch_a: single(a.pose.pitch),
    roll_a: single(a.pose.roll),
    yaw_b: single(b.pose.yaw),
    pitch_b: single(b.pose.pitch),
    roll_b: single(b.pose.roll),
    to_template_a: similarityNumbers(a.toTemplate),
    to_template_b: similarityNumbers(b.toTemplate),
    face_pixels: statistics.facePixels,
    mean_flow: single(statistics.meanLength),
    median_flow: single(statistics.medianLength),
    max_flow: single(statistics.maxLength),
    mean_depth_change: single(statistics.meanDepthChange),
    mean_expression: single(statistics.meanExpression),
    occluded_share: statistics.occludedShare === null ? null : single(statistics.occludedShare),
    photometric_before: single(photometric.exposureMatched.before),
    photometric_after: single(photometric.exposureMatched.after),
    rigid_angles: [yaw, pitch, roll].map(single),
    rigid_translation: rigid.translation.map(single),
    rigid_scale: single(rigid.scale),
    exceeded: exceededChecks(result),
    half_error: single(halfError(flow)),
    weights_hash: weights.hash,
    depth_hash: weights.depthHash,
    engine_version: packageFacts().version,
    adapter,
  }
  const json = new TextEncoder().encode(`${JSON.stringify(figures)}\n`)
  const all = [...files, { extension: 'json', bytes: json }].sort((x, y) =>
    x.extension < y.extension ? -1 : 1,
  )
  return { row: { ...figures, ...contentFacts(all) }, files: all }
}

/** Size and hash of a sample's files, in the order of their names. */
export function contentFacts(files: readonly SampleFile[]): Pick<PairRow, 'bytes' | 'sha256'> {
  return {
    bytes: files.reduce((sum, { bytes }) => sum + bytes.length, 0),
    sha256: sha256Now(files.map(({ bytes }) => bytes)),
  }
}

function sampleKey({ id }: CorpusEntry, track: number, { a, b }: ChosenPair): string {
  const digits = (frame: number) => String(frame).padStart(6, '0')
  return `${id}_t${String(track).padStart(3, '0')}_${digits(a.frame)}_${digits(b.frame)}`
}

/** The entry that a sample is of, by the sample's name. */
export function entryOfKey(key: string): string {
  return key.replace(/_t\d+_\d+_\d+$/, '')
}

/** Codes of the checks that speak against a result: `RESIDUAL`, or with the frame, `BLUR_B`. */
export function exceededChecks({ checks }: RegisteredFlowResult): string[] {
  return checks
    .filter(({ exceeded }) => exceeded)
    .map(({ code, frame }) => (frame === undefined ? code : `${code}_${frame}`))
}

/**
 * Largest difference that half floats make of a flow. They keep 11 significant bits, so that it is at most |component| / 2048: 0.004 px
 * of components below 16 px.
 */
function halfError(flow: Float32Array): number {
  const halves = halvesToFloats(floatsToHalves(flow))
  let largest = 0
  for (let i = 0; i < flow.length; i++) {
    largest = Math.max(largest, Math.abs((flow[i] as number) - (halves[i] as number)))
  }
  return largest
}
