import type { ReadExpression } from '../expression/types.js'
import type { FlowResult, TrackerMemory, VideoStep } from '../face/types.js'
import { toBase64 } from '../geometry/base64.js'
import type { Similarity } from '../geometry/types.js'
import type { PhotometricResidual } from '../products/residual.js'
import type { RigidMotion } from '../products/rigid-motion.js'
import { type FlowStatistics, flowStatistics } from './summary.js'

/** Lines of frames.jsonl. */

/** What happened to the face in a frame. */
export type FrameStatus = 'no-face' | 'reference' | 'ok' | 'regained' | 'lost' | 'unreadable'

/** Of every frame. */
export interface FrameFacts {
  readonly frame: number
  readonly name: string
  /** Seconds from the start of the video; null for pictures, and where a video does not say. */
  readonly time: number | null
  /** SHA-256 of the picture, hex; only of frames that are files. */
  readonly digest?: string
}

/** What a frame's flow says in numbers: a part of its record in `frames.jsonl`. */
export interface MotionRecord {
  readonly statistics: FlowStatistics
  /** Length in the plane that a twentieth of the face exceeds, template px. */
  readonly length95: number
  /** Head motion in photo px. */
  readonly rigid: RigidMotion
  readonly photometric: PhotometricResidual
}

export interface DrawnMesh {
  /** The reference's mesh as the flow moved it, x and y of each vertex, int16 in 64ths of a template px, base64. */
  readonly mesh: string
  readonly toTemplate: Similarity
  /** Uint16 triples, base64; only in the first record that has a mesh. */
  readonly triangles?: string
}

/** One line of frames.jsonl after the first. */
export type FrameRecord = FrameFacts & {
  readonly status: FrameStatus
  /** The camera cut between the frame before and this one. */
  readonly cut?: boolean
  /** Why there is no flow. */
  readonly message?: string
  /** How much the face looks like it did before; of `lost` frames, the most alike of the faces there. */
  readonly similarity?: number | null
  /** Presence of a face as the mesh network sees it, in [0, 1]. */
  readonly confidence?: number
  readonly frameToFrame?: MotionRecord
  readonly frameToReference?: MotionRecord
  /** 68x2, photo px. */
  readonly landmarks68?: readonly number[]
  /** As read from this frame alone; null where the face is turned too far. Only where it was asked for. */
  readonly expression?: ReadExpression | null
  /** What the overlay shows beside the flow. */
  readonly drawn?: DrawnMesh
  /** State of the tracker after this frame. */
  readonly tracker?: TrackerMemory
}

const STATUSES: ReadonlySet<unknown> = new Set<FrameStatus>([
  ...(['no-face', 'reference', 'ok', 'regained', 'lost', 'unreadable'] as const),
])

/** Whether a value read back is the record of this frame. */
export function isRecord(value: unknown, frame: number): value is FrameRecord {
  if (typeof value !== 'object' || value === null) return false
  const record = value as Partial<FrameRecord>
  return (
    record.frame === frame &&
    typeof record.name === 'string' &&
    STATUSES.has(record.status) &&
    (record.time === null || typeof record.time === 'number') &&
    (!hasFlow(record) ||
      (typeof record.frameToFrame === 'object' &&
        typeof record.frameToReference === 'object' &&
        typeof record.drawn?.mesh === 'string'))
  )
}

/** Without what only going on and drawing need, so that long videos fit into memory. */
export function withoutState(record: FrameRecord): FrameRecord {
  const { drawn: _drawn, tracker: _tracker, expression: _expression, landmarks68, ...rest } = record
  return rest.status === 'reference' && landmarks68 ? { ...rest, landmarks68 } : rest
}

/** Whether the frame has flow. */
export function hasFlow({ status }: Pick<Partial<FrameRecord>, 'status'>): boolean {
  return status === 'ok' || status === 'regained'
}

/** @param isFirst whether no earlier record has a mesh */
export function stepRecord(
  facts: FrameFacts,
  step: VideoStep,
  tracker: TrackerMemory | null,
  isFirst: boolean,
  expression?: ReadExpression | null,
): FrameRecord {
  const { status, cut, similarity, frameToFrame, frameToReference } = step
  const { b, meshB, triangles } = frameToReference
  const packed = new Int16Array((meshB.length / 3) * 2)
  for (let v = 0; v < meshB.length / 3; v++) {
    for (const axis of [0, 1]) packed[2 * v + axis] = Math.round(64 * (meshB[3 * v + axis] as number))
  }
  return {
    ...facts,
    status,
    cut,
    similarity,
    confidence: b.score,
    frameToFrame: motionRecord(frameToFrame),
    frameToReference: motionRecord(frameToReference),
    landmarks68: [...b.landmarks68],
    drawn: {
      mesh: toBase64(new Uint8Array(packed.buffer)),
      toTemplate: b.toTemplate,
      ...(isFirst && { triangles: toBase64(new Uint8Array(Uint16Array.from(triangles).buffer)) }),
    },
    ...(expression !== undefined && { expression }),
    ...(tracker && { tracker }),
  }
}

function planeLength(flow: Float32Array, mask: Uint8Array): number {
  const lengths: number[] = []
  mask.forEach((on, i) => {
    if (on !== 0) lengths.push(Math.hypot(flow[3 * i] as number, flow[3 * i + 1] as number))
  })
  lengths.sort((a, b) => a - b)
  return lengths[Math.floor(0.95 * lengths.length)] ?? 0
}

/** What a frame's line says of one of its flows. Lengths in template px, rigid motion in photo px. */
export function motionRecord(result: FlowResult): MotionRecord {
  return {
    statistics: flowStatistics(result),
    length95: planeLength(result.flow, result.mask),
    rigid: result.rigidPhoto,
    photometric: result.photometric,
  }
}
