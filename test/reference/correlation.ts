import type { CorrelationAttrs } from '../../src/ops/flow/correlation.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

/** Features divided by their RMS over channels. */
function normalised(input: RefTensor): RefTensor {
  return refTensor(input.n, input.h, input.w, input.c, (n, y, x, c) => {
    let square = 0
    for (let k = 0; k < input.c; k++) square += elementOf(input, n, y, x, k) ** 2
    return elementOf(input, n, y, x, c) / Math.sqrt(square / input.c + 1e-4)
  })
}

export function correlationReference(a: RefTensor, b: RefTensor, attrs: CorrelationAttrs): RefTensor {
  const { radius, stride } = attrs
  const first = attrs.normalisation === 'cosine' ? normalised(a) : a
  const second = attrs.normalisation === 'cosine' ? normalised(b) : b
  const diameter = 2 * radius + 1
  return refTensor(a.n, a.h, a.w, diameter ** 2, (n, y, x, channel) => {
    const y2 = y + (Math.floor(channel / diameter) - radius) * stride
    const x2 = x + ((channel % diameter) - radius) * stride
    if (y2 < 0 || y2 >= b.h || x2 < 0 || x2 >= b.w) return 0
    let sum = 0
    for (let c = 0; c < a.c; c++) sum += elementOf(first, n, y, x, c) * elementOf(second, n, y2, x2, c)
    return sum / a.c
  })
}
