import type { FaceFlow } from '../face/types.js'
import type { VideoDamage } from '../platform/node/video-frame.js'
import type { CorpusEntry } from './entry.js'
import type { EntryCounts } from './entry-record.js'
import type { EntryWriter } from './entry-writer.js'
import type { CorpusEngine, CorpusOptions } from './options.js'

/**
 * What the time of an entry goes into: decoding frames; finding, following and measuring faces; flow; making the files of samples; writing
 * them and rows; hashing inputs.
 */
export type WorkPhase = 'decoding' | 'faces' | 'flow' | 'samples' | 'writing' | 'hashing'

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
  /**
   * Told what time went into a phase, ms. Pairs are computed a few at a time: of the time that they were waited for, as much counts as that of
   * samples as making samples took, though some of it lay beside the flow of other pairs.
   */
  readonly onTime?: (phase: WorkPhase, ms: number) => void
}

/** Does a part of an entry's work and tells its time. */
export async function timed<T>(
  { onTime }: Pick<EntryContext, 'onTime'>,
  phase: WorkPhase,
  work: () => Promise<T>,
): Promise<T> {
  const began = performance.now()
  try {
    return await work()
  } finally {
    onTime?.(phase, performance.now() - began)
  }
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

/** Hands on what a source gives and tells the time that it takes. */
export async function* timedEach<T>(
  context: Pick<EntryContext, 'onTime'>,
  phase: WorkPhase,
  source: AsyncGenerator<T>,
): AsyncGenerator<T> {
  try {
    for (;;) {
      const { done, value } = await timed(context, phase, () => source.next())
      if (done) return
      yield value
    }
  } finally {
    await source.return(undefined)
  }
}
