import type { Operand } from '../../graph/op.js'
import { sha256 } from '../../platform/index.js'

/** A constant of an op (indices, colours, ...) as an operand: equal content is uploaded once per weight set. */
export function constantTable(data: Float32Array | Uint32Array): Operand {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const digest = sha256([bytes]).slice(0, 16)
  return { kind: 'packed', key: `table:${digest}:${data.byteLength}`, pack: () => data }
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
