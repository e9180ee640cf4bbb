import type { FaceFrame, FaceMeasures } from '../face/types.js'
import type { Box, Similarity } from '../geometry/types.js'
import type { FrameFilters } from './options.js'

/** A row of the table of frames: one face in one frame, or a frame without a face. */
export interface FrameRow {
  readonly entry: string
  /** The input as the manifest names it. */
  readonly path: string
  /** From 0. */
  readonly frame: number
  /** Seconds from the start of the video; null for pictures. */
  readonly time: number | null
  /** First frame after a cut. */
  readonly cut: boolean
  /** Number of the track in the entry; null for a frame in which no face was found, as is all below. */
  readonly track: number | null
  readonly presence: number | null
  readonly detector_score: number | null
  /** Photo px. */
  readonly box_x: number | null
  readonly box_y: number | null
  readonly box_width: number | null
  readonly box_height: number | null
  /** Degrees. */
  readonly yaw: number | null
  readonly pitch: number | null
  readonly roll: number | null
  readonly sharpness: number | null
  readonly outside: number | null
  /** Template px. */
  readonly registration_residual: number | null
  /** a, b, tx, ty of p' = [a -b; b a] p + (tx, ty), photo px to template px. */
  readonly to_template: readonly number[] | null
  /** 68 times x, y in iBUG order, photo px. */
  readonly landmarks68: readonly number[] | null
  /** Names of the filters that the face does not pass, `no_face` or `unreadable`; empty where it may enter pairs. */
  readonly rejected: readonly string[]
}

/** Figures of a face that filters look at. */
export interface FaceFigures extends FaceMeasures {
  readonly presence: number
  readonly box: Box
  readonly registrationResidual: number
}

export function figuresOf(frame: FaceFrame, measures: FaceMeasures): FaceFigures {
  const { score, box, registrationResidual } = frame
  return { ...measures, presence: score, box, registrationResidual }
}

/** Names of the filters that a face does not pass. */
export function rejections(face: FaceFigures, filters: FrameFilters): string[] {
  const { presence, box, pose, sharpness, registrationResidual, outside } = face
  const checks: readonly (readonly [name: string, passes: boolean])[] = [
    ['presence', presence >= filters.minPresence],
    ['size', Math.max(box.width, box.height) >= filters.minFace],
    ['yaw', Math.abs(pose.yaw) <= filters.maxYaw],
    ['pitch', Math.abs(pose.pitch) <= filters.maxPitch],
    // What has too few pixels to tell is not known to be sharp.
    ['blur', filters.minSharpness === 0 || (sharpness !== null && sharpness >= filters.minSharpness)],
    ['residual', registrationResidual <= filters.maxResidual],
    ['outside', outside <= filters.maxOutside],
  ]
  return checks.flatMap(([name, passes]) => (passes ? [] : [name]))
}

/** Where a row is from. */
export type FramePlace = Pick<FrameRow, 'entry' | 'path' | 'frame' | 'time' | 'cut'>

export function faceRow(
  place: FramePlace,
  track: number,
  frame: FaceFrame,
  detectorScore: number | null,
  { pose, sharpness, outside }: FaceMeasures,
  rejected: readonly string[],
): FrameRow {
  const { box, score, registrationResidual, landmarks68 } = frame
  return {
    ...place,
    track,
    presence: single(score),
    detector_score: detectorScore === null ? null : single(detectorScore),
    box_x: single(box.x),
    box_y: single(box.y),
    box_width: single(box.width),
    box_height: single(box.height),
    yaw: single(pose.yaw),
    pitch: single(pose.pitch),
    roll: single(pose.roll),
    sharpness: sharpness === null ? null : single(sharpness),
    outside: single(outside),
    registration_residual: single(registrationResidual),
    to_template: similarityNumbers(frame.toTemplate),
    landmarks68: Array.from(landmarks68, single),
    rejected,
  }
}

export function faceless(place: FramePlace, why: 'no_face' | 'unreadable'): FrameRow {
  return {
    ...place,
    track: null,
    presence: null,
    detector_score: null,
    box_x: null,
    box_y: null,
    box_width: null,
    box_height: null,
    yaw: null,
    pitch: null,
    roll: null,
    sharpness: null,
    outside: null,
    registration_residual: null,
    to_template: null,
    landmarks68: null,
    rejected: [why],
  }
}

export function similarityNumbers({ a, b, tx, ty }: Similarity): number[] {
  return [a, b, tx, ty]
}

/** As the tables hold it, in single precision, so that rows read from JSON and from Parquet are the same. */
export function single(value: number): number {
  return Math.fround(value)
}

/** A row of the table of pairs, as an entry holds it. Lengths in template px where nothing else is said. */
export interface PairRow {
  /** Name of the sample in its shard: everything before the first dot of its files. */
  readonly key: string
  readonly entry: string
  readonly kind: string
  /** The inputs as the manifest names them: one of a video, two of a pair. */
  readonly paths: readonly string[]
  readonly group: string
  readonly track: number
  readonly frame_a: number
  readonly frame_b: number
  /** Frames between the two; null for a pair of photos. */
  readonly gap: number | null
  /** s; null for pictures. */
  readonly time_a: number | null
  readonly time_b: number | null
  /** Mean length of the motion of the mesh's vertices in the registered frames. */
  readonly mesh_motion: number
  readonly yaw_a: number
  readonly pitch_a: number
  readonly roll_a: number
  readonly yaw_b: number
  readonly pitch_b: number
  readonly roll_b: number
  readonly to_template_a: readonly number[]
  readonly to_template_b: readonly number[]
  readonly face_pixels: number
  readonly mean_flow: number
  readonly median_flow: number
  readonly max_flow: number
  readonly mean_depth_change: number
  readonly mean_expression: number
  /** Share of the face in [0, 1]; null without the flow back. */
  readonly occluded_share: number | null
  /** Grey levels, exposure matched, before and after warping. */
  readonly photometric_before: number
  readonly photometric_after: number
  /** Rigid head motion between the registered frames: degrees, template px, factor. */
  readonly rigid_angles: readonly number[]
  readonly rigid_translation: readonly number[]
  readonly rigid_scale: number
  /** Codes of the checks that are exceeded (docs/cli.md), with the frame where one is meant: `BLUR_A`. */
  readonly exceeded: readonly string[]
  /** Largest difference between the flow and what the file holds of it as half floats, template px. */
  readonly half_error: number
  readonly weights_hash: string
  readonly depth_hash: string | null
  readonly engine_version: string
  readonly adapter: string
  /** Bytes of the sample's files together, and SHA-256 over their contents in the order of their names. */
  readonly bytes: number
  readonly sha256: string
}
