import type { QueueTerms } from './terms.js'

/** A piece of work: what `JSON.stringify` keeps of it reaches the worker. Equal ids are the same work. */
export interface QueueEntry {
  readonly id: string
}

/** What an entry is in the queue. */
export interface QueuedEntry<E extends QueueEntry> {
  readonly entry: E
  /** Digest of the terms it was filled for. */
  readonly terms: string
}

/** How a queue is filled. */
export interface FillOptions {
  /** Attempts before an entry is set aside, from 1 on (default 4). */
  readonly attempts?: number
  /** Pause before the second attempt, seconds; twice as long before each further one (default 10). */
  readonly backoff?: number
  /** Told how many entries were read. */
  readonly onProgress?: (read: number) => void
  /** Ends the filling; filling again goes on. */
  readonly signal?: AbortSignal
}

/** An entry that was set aside: it failed for good. */
export interface SetAside {
  readonly id: string
  readonly reason: string
  readonly attempts: number
  /** ISO 8601. */
  readonly since: string
}

/** How far a queue is. */
export interface QueueStatus {
  readonly waiting: number
  /** A worker has them now. */
  readonly active: number
  /** Failed and wait for their next attempt. */
  readonly retrying: number
  readonly done: number
  readonly setAside: number
  /** Worker processes with a connection; null where the server does not tell. */
  readonly workers: number | null
  /** Entries a minute, over those of the last ten minutes (at most the last thousand). */
  readonly perMinute: number
  /** Until all is done at this rate, seconds; null while nothing moves. */
  readonly secondsLeft: number | null
  /** Null: never filled. */
  readonly terms: QueueTerms | null
}

/**
 * Works on one entry.
 *
 * Its outputs must be atomic and the same each time: an entry whose worker lost its lease is worked on by another one
 * while the first may still write.
 * @param signal aborted when the entry is to be given back or belongs to another worker now
 */
export type ProcessEntry<E extends QueueEntry> = (entry: E, signal: AbortSignal) => Promise<void>

/** What became of an entry here. */
export type WorkEvent =
  | { readonly kind: 'done'; readonly id: string; readonly seconds: number }
  /** Failed; tried again later. */
  | { readonly kind: 'failed'; readonly id: string; readonly reason: string }
  | { readonly kind: 'set-aside'; readonly id: string; readonly reason: string }
  | { readonly kind: 'given-back'; readonly id: string }
  /** The lease ran out (the process was stopped, the server away): another worker has it. */
  | { readonly kind: 'lost'; readonly id: string }
  /** Of the server: gone, or there again. */
  | { readonly kind: 'server'; readonly text: string }

/** How a worker works. */
export interface WorkOptions {
  /** What this worker computes with; null works on entries that were filled for anything. */
  readonly terms: QueueTerms | null
  /** Ends the work: the entries under way are finished within `grace`, or given back. */
  readonly signal: AbortSignal
  /** Without renewal for this long an entry goes to another worker, seconds (default 60). */
  readonly lease?: number
  /** For the entries under way when `signal` aborts, seconds (default 20). */
  readonly grace?: number
  /** Entries under way at once (default 1). */
  readonly concurrency?: number
  /** Stay when the queue is empty (default false). */
  readonly waits?: boolean
  /** Without the server for this long the work ends, seconds (default 600). */
  readonly patience?: number
  readonly onEvent?: (event: WorkEvent) => void
}

/** What a worker has come to: entries, but `failed`, which counts attempts. */
export interface WorkReport {
  readonly done: number
  /** Attempts that failed, those of set-aside entries included. */
  readonly failed: number
  readonly setAside: number
  readonly givenBack: number
  readonly lost: number
}
