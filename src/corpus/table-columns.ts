import type { FrameRow, PairRow } from './rows.js'
import type { Columns } from './tables.js'

/** A row of `pairs.parquet`. */
export interface PairTableRow extends PairRow {
  readonly split: string
  /** File that holds the sample, relative to the corpus's folder. */
  readonly shard: string
}

/** Columns of `frames.parquet`; docs/corpus.md says what they hold. */
export const FRAME_COLUMNS: Columns<FrameRow> = {
  entry: 'text',
  path: 'text',
  frame: 'int',
  time: 'double',
  cut: 'bool',
  track: 'int',
  presence: 'float',
  detector_score: 'float',
  box_x: 'float',
  box_y: 'float',
  box_width: 'float',
  box_height: 'float',
  yaw: 'float',
  pitch: 'float',
  roll: 'float',
  sharpness: 'float',
  outside: 'float',
  registration_residual: 'float',
  to_template: 'doubles',
  landmarks68: 'floats',
  rejected: 'texts',
}

/** Columns of `pairs.parquet`. */
export const PAIR_COLUMNS: Columns<PairTableRow> = {
  key: 'text',
  split: 'text',
  shard: 'text',
  entry: 'text',
  kind: 'text',
  paths: 'texts',
  group: 'text',
  track: 'int',
  frame_a: 'int',
  frame_b: 'int',
  gap: 'int',
  time_a: 'double',
  time_b: 'double',
  mesh_motion: 'float',
  yaw_a: 'float',
  pitch_a: 'float',
  roll_a: 'float',
  yaw_b: 'float',
  pitch_b: 'float',
  roll_b: 'float',
  to_template_a: 'doubles',
  to_template_b: 'doubles',
  face_pixels: 'int',
  mean_flow: 'float',
  median_flow: 'float',
  max_flow: 'float',
  mean_depth_change: 'float',
  mean_expression: 'float',
  occluded_share: 'float',
  photometric_before: 'float',
  photometric_after: 'float',
  rigid_angles: 'floats',
  rigid_translation: 'floats',
  rigid_scale: 'float',
  exceeded: 'texts',
  half_error: 'float',
  weights_hash: 'text',
  depth_hash: 'text',
  engine_version: 'text',
  adapter: 'text',
  bytes: 'int',
  sha256: 'text',
}
