import type { FaceFlow } from '../face/types.js'
import type { VideoDamage } from '../platform/node/video-frame.js'
import type { CorpusEntry } from './entry.js'
import type { EntryCounts } from './entry-record.js'
import type { EntryWriter } from './entry-writer.js'
import type { CorpusEngine, CorpusOptions } from './options.js'

/** Where and by what an entry is computed. */
export interface EntryContext {
  /** The corpus's folder. */
  readonly set: string
  readonly faceFlow: FaceFlow
  /** What `faceFlow` was opened with; see `describeNetwork`. */
  readonly engine: CorpusEngine
  /** Ends the work on the entry, which leaves nothing. */
  readonly signal?: AbortSignal
  /** Told what a user should know of the entry, a sentence each. */
  readonly onNote?: (text: string) => void
  /** Called after each frame that was read. */
  readonly onFrame?: () => void
}

/** Counts and damage of an entry, as its record holds them. */
export interface EntryFindings {
  readonly counts: EntryCounts
  readonly damage: VideoDamage | null
}

/** An entry under way. */
export interface EntryWork {
  readonly entry: CorpusEntry
  readonly options: CorpusOptions
  readonly context: EntryContext
  readonly writer: EntryWriter
}
