import type { RefTensor } from '../cases/case.js'
import { elementOf, inputOf, refTensor } from './dense.js'

export function concatReference(parts: readonly RefTensor[]): RefTensor {
  const { n, h, w } = inputOf(parts, 0)
  const owners = parts.flatMap((part) => Array.from({ length: part.c }, (_, channel) => ({ part, channel })))
  return refTensor(n, h, w, owners.length, (b, y, x, c) => {
    const owner = owners[c]
    return owner === undefined ? Number.NaN : elementOf(owner.part, b, y, x, owner.channel)
  })
}

export function batchConcatReference(parts: readonly RefTensor[]): RefTensor {
  const { h, w, c } = inputOf(parts, 0)
  const data = parts.flatMap((part) => [...part.data])
  return { n: parts.reduce((sum, part) => sum + part.n, 0), h, w, c, data: Float64Array.from(data) }
}

export function batchSliceReference(input: RefTensor, start: number, count: number): RefTensor {
  return refTensor(count, input.h, input.w, input.c, (n, y, x, c) => elementOf(input, start + n, y, x, c))
}

/** Channels start..start+count-1; those that the input lacks are zero. */
export function channelRangeReference(input: RefTensor, start: number, count: number): RefTensor {
  return refTensor(input.n, input.h, input.w, count, (n, y, x, c) =>
    start + c < input.c ? elementOf(input, n, y, x, start + c) : 0,
  )
}
