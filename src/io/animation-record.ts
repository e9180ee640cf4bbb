import { isHeadMotion, MOUTH_NUMBERS } from '../animate/checked-motion.js'
import { type DriverCovers, isDriverCovers } from '../animate/driver-covers.js'
import type { HeadMotion } from '../animate/head-motion.js'
import type { ObservedFrame } from '../animate/types.js'
import type { TrackerMemory } from '../face/types.js'
import { fromBase64, toBase64 } from '../geometry/base64.js'
import { MESH_VERTICES } from '../geometry/types.js'
import type { FrameFacts } from './video-record.js'

/** Lines of animation.jsonl: what the driver does in each frame, with all bits. */

interface PackedMotion extends Omit<HeadMotion, 'expression' | 'light'> {
  /** float32, base64. */
  readonly expression: string
  /** float32, base64. */
  readonly light: string
}

/** One line after the second. */
export type AnimationRecord = FrameFacts & {
  readonly status: ObservedFrame['status']
  /** Why the motion is held. */
  readonly message?: string
  readonly covers?: DriverCovers
  readonly motion: PackedMotion
  /** 24x2 float32, base64. */
  readonly mouth: string
  /** State of the tracker after this frame. */
  readonly tracker?: TrackerMemory
}

export function animationRecord(
  facts: FrameFacts,
  { status, message, motion, mouth, covers }: ObservedFrame,
  tracker: TrackerMemory | null,
): AnimationRecord {
  return {
    ...facts,
    status,
    ...(message !== undefined && { message }),
    ...(covers && { covers }),
    motion: { ...motion, expression: pack(motion.expression), light: pack(motion.light) },
    mouth: pack(mouth),
    ...(tracker && { tracker }),
  }
}

/** The observed frame of a record; null for anything that is not one of this frame. */
export function observedFrame(value: unknown, frame: number): ObservedFrame | null {
  if (typeof value !== 'object' || value === null) return null
  const record = value as Partial<AnimationRecord>
  const expression = unpack(record.motion?.expression, MESH_VERTICES * 3)
  const light = unpack(record.motion?.light, MESH_VERTICES * 3)
  const mouth = unpack(record.mouth, MOUTH_NUMBERS)
  const isStatus = record.status === 'ok' || record.status === 'regained' || record.status === 'held'
  const isWhole = record.frame === frame && typeof record.name === 'string' && isStatus
  if (!isWhole || mouth === null || !mouth.every(Number.isFinite)) return null
  const motion = { ...record.motion, expression, light }
  if (!isHeadMotion(motion)) return null
  const { status, message, covers } = record as AnimationRecord
  if (covers !== undefined && !isDriverCovers(covers)) return null
  return { status, ...(message !== undefined && { message }), motion, mouth, ...(covers && { covers }) }
}

function pack(values: Float32Array): string {
  return toBase64(new Uint8Array(values.slice().buffer))
}

function unpack(text: unknown, count: number): Float32Array | null {
  const bytes = typeof text === 'string' ? fromBase64(text) : null
  return bytes?.length === count * 4 ? new Float32Array(bytes.buffer) : null
}
