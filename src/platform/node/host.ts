import { availableParallelism } from 'node:os'

/** As it was before a test put fake timers in its place. */
const immediate = setImmediate

/** Value of an environment variable; undefined where it is not set or empty. */
export function environment(name: string): string | undefined {
  return process.env[name] || undefined
}

/** A warning to whoever watches the process; `code` tells kinds of warnings apart. */
export function emitWarning(message: string, code: string): void {
  process.emitWarning(message, { code })
}

/** Threads that can run at once. */
export function processors(): number {
  return availableParallelism()
}

/** Lets everything run that the event loop has ready. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => immediate(() => resolve()))
}
