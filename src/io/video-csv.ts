import { type FrameRecord, hasFlow, type MotionRecord } from './video-record.js'

/*
 * The video as a table, with the columns of OpenFace's where they mean the same: frame from 1, timestamp in seconds, confidence,
 * success, rotations in radians. Pose is that of the head against the first frame with a face, not against the camera, with the signs
 * of `RigidMotion`; translation is in photo px.
 */

const COLUMNS = [
  ...['frame', 'face_id', 'timestamp', 'confidence', 'success'],
  ...['pose_Tx', 'pose_Ty', 'pose_Tz', 'pose_Rx', 'pose_Ry', 'pose_Rz'],
  ...[
    'motion_energy',
    'expression_energy',
    'mean_flow',
    'photometric',
    'photometric_matched',
    'similarity',
    'status',
    'cut',
  ],
]

/**
 * @param time of a record, s; null where it is not known
 * @param centre of the reference's face, photo px: translation is that of this point
 */
export function framesCsv(
  records: readonly FrameRecord[],
  time: (record: FrameRecord) => number | null,
): string {
  const centre = centreOf(records)
  const lines = records.map((record) => [...row(record, time(record), centre)].map(cell).join(','))
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`
}

type Cell = number | string | null | undefined

function* row(record: FrameRecord, time: number | null, centre: readonly [number, number]): Generator<Cell> {
  const { frame, status, confidence, similarity, cut, frameToFrame, frameToReference } = record
  const isReference = status === 'reference'
  yield* [frame + 1, 0, time, confidence ?? 0, hasFlow(record) || isReference ? 1 : 0]
  if (frameToReference || frameToFrame) yield* motionOf(frameToReference, frameToFrame, centre)
  else if (isReference) yield* [0, 0, 0, 0, 0, 0, null, null, 0, 0, 0]
  else yield* Array<null>(11).fill(null)
  yield* [similarity, status, cut ? 1 : 0]
}

/** Pose and energies; empty where only one of the flows was computed, as live. */
function* motionOf(
  frameToReference: MotionRecord | undefined,
  frameToFrame: MotionRecord | undefined,
  centre: readonly [number, number],
): Generator<Cell> {
  if (frameToReference) {
    const { rotation, scale, translation, angles } = frameToReference.rigid
    const moved = [0, 1, 2].map(
      (axis) =>
        scale *
          ((rotation[3 * axis] as number) * centre[0] + (rotation[3 * axis + 1] as number) * centre[1]) +
        (translation[axis] as number) -
        (centre[axis] ?? 0),
    )
    yield* moved
    yield* [angles.pitch, angles.yaw, angles.roll].map((degrees) => (degrees * Math.PI) / 180)
  } else yield* Array<null>(6).fill(null)
  yield* [frameToFrame?.statistics.meanLength, frameToFrame?.statistics.meanExpression]
  yield* [frameToReference?.statistics.meanLength, frameToReference?.photometric.after]
  yield* [frameToReference?.photometric.exposureMatched.after]
}

/** Middle of the reference's landmarks, photo px. */
function centreOf(records: readonly FrameRecord[]): [number, number] {
  const points = records.find(({ status }) => status === 'reference')?.landmarks68 ?? []
  const mean = (axis: number) =>
    points.reduce((sum, value, i) => (i % 2 === axis ? sum + value : sum), 0) / Math.max(1, points.length / 2)
  return [mean(0), mean(1)]
}

function cell(value: Cell): string {
  if (typeof value === 'number') return String(Number(value.toFixed(6)))
  return value ?? ''
}
