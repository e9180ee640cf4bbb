import { expect } from 'vitest'

/**
 * Typed arrays of the same bytes are equal: vitest, which looks at each value, takes half a second to find that of a flow.
 * Where bytes differ, it does so as ever.
 */
expect.addEqualityTesters([
  (a: unknown, b: unknown): true | undefined => {
    if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined
    const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    return Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined
  },
])
