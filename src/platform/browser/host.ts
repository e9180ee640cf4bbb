/** Value of an environment variable: browsers have none. */
export function environment(_name: string): string | undefined {
  return undefined
}

/** A warning to whoever watches the console; `code` tells kinds of warnings apart. */
export function emitWarning(message: string, code: string): void {
  console.warn(`[${code}] ${message}`)
}

/** Threads that can run at once. */
export function processors(): number {
  return navigator.hardwareConcurrency || 2
}

/** Lets everything run that the event loop has ready. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

/** Browsers tell when a promise of a device is fulfilled: nothing polls. */
export const SOFTWARE_PACE = { eagerMs: 0 }
export const HARDWARE_PACE = SOFTWARE_PACE

export function paced<T>(_pace: { readonly eagerMs: number }, start: () => Promise<T>): Promise<T> {
  return start()
}
