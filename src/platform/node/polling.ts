import { runInThisContext } from 'node:vm'

/**
 * Dawn's Node binding delivers results by polling: while any promise of a device is pending it calls
 * `setImmediate` again and again, which keeps one core busy. On a CPU adapter that core is one of those the
 * shader runs on. The binding looks `setImmediate` up in the global object each time it wants to poll, so
 * the pace can be set by putting another function there for the length of the native call alone: no other
 * code ever sees it, and a binding that polls differently is simply not slowed.
 */

/** Polls at full rate for this long before sleeping between polls, in ms. */
export interface PollPace {
  readonly eagerMs: number
}

/** The CPU does the work itself, so it is left alone almost at once. */
export const SOFTWARE_PACE: PollPace = { eagerMs: 0.3 }
/** Most waits on a GPU end within a frame; a sleep of 1 ms would be seen in them. */
export const HARDWARE_PACE: PollPace = { eagerMs: 8 }

const SLEEP_MS = 1

/** The global object in which the binding looks: this module's own is another one under jest and vitest's vm pools. */
const host = runInThisContext('globalThis') as typeof globalThis
/** As they were before a test put fake timers there. */
const immediate = host.setImmediate
const timeout = host.setTimeout

/**
 * Calls `start`, which begins one asynchronous WebGPU operation, so that waiting for its result polls at
 * the given pace.
 */
export function paced<T>(pace: PollPace, start: () => Promise<T>): Promise<T> {
  const begun = performance.now()

  const schedule = (poll: () => void): unknown => {
    const again = (): void => {
      withScheduler(poll)
    }
    return performance.now() - begun < pace.eagerMs ? immediate(again) : timeout(again, SLEEP_MS)
  }
  const withScheduler = <R>(call: () => R): R => {
    const before = host.setImmediate
    host.setImmediate = schedule as unknown as typeof setImmediate
    try {
      return call()
    } finally {
      host.setImmediate = before
    }
  }
  return withScheduler(start)
}
