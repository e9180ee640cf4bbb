/**
 * Values that another realm made: test runners (jest, vitest's vm pools) and `node:vm` run this package in a context of
 * its own, while errors and buffers of Node and of native add-ons come from the main one, where `Error`, `Uint8Array` and
 * the rest are other classes. `instanceof` is false for them, so nothing built in is tested with it anywhere in `src/`.
 */

/** What was thrown, in words. */
export function messageOf(thrown: unknown): string {
  const message = (thrown as { message?: unknown } | null | undefined)?.message
  return typeof message === 'string' ? message : String(thrown)
}

interface BuiltIns {
  ArrayBuffer: ArrayBuffer
  Float32Array: Float32Array
  Uint8Array: Uint8Array
}

/** True if `value` is of that built-in class in whichever realm; a `Buffer` is a `Uint8Array`. */
export function isBuiltIn<K extends keyof BuiltIns>(value: unknown, name: K): value is BuiltIns[K] {
  // The tag of arrays is read from the object's inside: no other object can borrow it by its prototype.
  return Object.prototype.toString.call(value) === `[object ${name}]`
}
