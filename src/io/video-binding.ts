import { type Provenance, provenanceChanges } from './provenance.js'

/** What the results of a video depend on: the first line of frames.jsonl. */
export interface VideoBinding {
  /** Absolute path or pattern of the input. */
  readonly input: string
  /** `inputs` holds a video file's hash; pictures have theirs in the records. */
  readonly provenance: Provenance
  /** Rounding differs between adapters, and results must be those of a run in one go. */
  readonly adapter: string
}

/** Raised by a change that readers of frames.jsonl must know of. */
const FORMAT = 2

export interface VideoHead extends VideoBinding {
  readonly format: number
  /** ISO 8601. */
  readonly created: string
}

export function headOf(binding: VideoBinding): VideoHead {
  return { format: FORMAT, ...binding, created: new Date().toISOString() }
}

/** The first line of a log of ours; null for anything else. */
export function asHead(value: unknown): VideoHead | null {
  if (typeof value !== 'object' || value === null) return null
  const { format, input, provenance } = value as Partial<VideoHead>
  const isOurs = format === FORMAT && typeof input === 'string' && typeof provenance === 'object'
  return isOurs && provenance !== null ? (value as VideoHead) : null
}

/** A phrase for each thing that earlier results depend on and that is different now. */
export function bindingChanges(head: VideoHead, now: VideoBinding): string[] {
  const changes = provenanceChanges(head.provenance, now.provenance)
  if (head.input !== now.input) changes.unshift(`the input is ${now.input}, was ${head.input}`)
  if (head.adapter !== now.adapter) changes.push(`the adapter is ${now.adapter}, was ${head.adapter}`)
  return changes
}
