import type { Operand } from '../../graph/op.js'

/** A constant of an op (indices, colours, ...) as an operand: equal content is uploaded once per weight set. */
export function constantTable(data: Float32Array | Uint32Array): Operand {
  return { kind: 'packed', key: `table:${digest(data)}:${data.byteLength}`, pack: () => data }
}

/**
 * 64 bits of a multiplicative hash over the data's words. Not SHA-256, which browsers only have asynchronously: graphs are
 * planned at once, and nobody gains by tables of the same digest.
 */
function digest(data: Float32Array | Uint32Array): string {
  let [low, high] = [0x9e3779b9, 0x85ebca6b]
  for (const word of new Uint32Array(data.buffer, data.byteOffset, data.length)) {
    low = Math.imul(low ^ word, 0xcc9e2d51)
    high = Math.imul(high ^ word, 0x1b873593)
    low ^= high >>> 15
    high ^= low >>> 13
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

/** `[row][channel]` -> vec4 planes `[plane][row]`, lanes past the last channel 0. */
export function planesOfRows(rows: Float32Array, channels: number): Float32Array {
  const count = rows.length / channels
  const packed = new Float32Array(Math.ceil(channels / 4) * count * 4)
  for (let row = 0; row < count; row++) {
    for (let channel = 0; channel < channels; channel++) {
      packed[((channel >> 2) * count + row) * 4 + (channel & 3)] = rows[row * channels + channel] ?? 0
    }
  }
  return packed
}
