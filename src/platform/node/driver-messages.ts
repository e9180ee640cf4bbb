import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { isMainThread } from 'node:worker_threads'

/*
 * Dawn and Vulkan drivers write warnings straight to file descriptor 2 while they look for adapters ("Mesa is too
 * old", on every start), and have no switch for it. For a command with a line for people that is noise. Node
 * cannot duplicate descriptors, so 2 is closed and opened again, which is only the same thing for terminals and
 * pipes: a file would lose its offset.
 */

const STDERR = 2

let areHidden = false

/** For programs that own their process: from here on such warnings are dropped where that is possible. */
export function hideDriverMessages(): void {
  areHidden = true
}

/** Runs `discover`, which must do its work before it returns, without its warnings if they are hidden. */
export function withoutDriverMessages<T>(discover: () => T): T {
  const kept = areHidden ? reopened(`/proc/self/fd/${STDERR}`) : null
  if (kept === null) return discover()
  try {
    stderrIs('/dev/null')
    return discover()
  } finally {
    stderrIs(`/proc/self/fd/${kept}`)
    closeSync(kept)
  }
}

/** Another descriptor of the same terminal or pipe; null where there is none. */
function reopened(path: string): number | null {
  if (process.platform !== 'linux' || !isMainThread) return null
  // Deno writes through a table of its own, where 2 would stay closed.
  if (process.versions.deno !== undefined) return null
  try {
    if (!isatty(STDERR) && !fstatSync(STDERR).isFIFO()) return null
    return open(path)
  } catch {
    // No such descriptor, or a pipe that nobody reads.
    return null
  }
}

function stderrIs(path: string): void {
  closeSync(STDERR)
  // The system gives the lowest free number, which is the one that was just closed.
  try {
    open(path)
  } catch {
    open('/dev/null')
  }
}

function open(path: string): number {
  // Without O_NONBLOCK, opening a pipe that nobody reads would wait for a reader.
  return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
}
