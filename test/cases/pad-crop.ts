import { concat } from '../../src/ops/tensor/concat.js'
import { crop, type PadAttrs, pad } from '../../src/ops/tensor/pad-crop.js'
import { elementOf, inputOf, refTensor } from '../reference/dense.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase, RefTensor } from './case.js'
import { nthValue } from './values.js'

const EXACT = { nmse: 0, maxError: 0 }

function padReference(input: RefTensor, { top, right, bottom, left, mode }: PadAttrs): RefTensor {
  const height = input.h + top + bottom
  const width = input.w + left + right
  return refTensor(input.n, height, width, input.c, (n, y, x, c) => {
    const [sy, sx] = [y - top, x - left]
    const inside = sy >= 0 && sy < input.h && sx >= 0 && sx < input.w
    if (!inside && mode === 'zero') return 0
    const nearest = (at: number, size: number) => Math.min(Math.max(at, 0), size - 1)
    return elementOf(input, n, nearest(sy, input.h), nearest(sx, input.w), c)
  })
}

const paddings = [
  { at: [1, 5, 7, 3], sides: [1, 2, 3, 4] },
  { at: [2, 1, 1, 5], sides: [2, 0, 0, 3] },
  { at: [1, 9, 4, 1], sides: [0, 0, 0, 0] },
] as const

const padCases: OpCase[] = paddings.flatMap(({ at: [n, h, w, c], sides: [top, right, bottom, left] }) =>
  (['zero', 'edge'] as const).map((mode): OpCase => {
    const attrs = { top, right, bottom, left, mode }
    return {
      name: `pad ${mode} ${[top, right, bottom, left]} ${n}x${h}x${w}x${c}`,
      op: 'pad',
      inputs: [{ n, h, w, c }],
      build: (graph, inputs) => pad(graph, 'pad', nthValue(inputs, 0), attrs),
      reference: (inputs) => padReference(inputOf(inputs, 0), attrs),
      bounds: EXACT,
    }
  }),
)

const crops = [
  { at: [1, 8, 8, 5], top: 0, left: 0, height: 7, width: 7 },
  { at: [2, 5, 9, 3], top: 2, left: 3, height: 3, width: 1 },
  { at: [1, 6, 6, 1], top: 5, left: 5, height: 1, width: 1 },
] as const

const cropCases: OpCase[] = crops.map(({ at: [n, h, w, c], ...attrs }) => ({
  name: `crop ${attrs.height}x${attrs.width} at ${attrs.top},${attrs.left} of ${n}x${h}x${w}x${c}`,
  op: 'crop',
  inputs: [{ n, h, w, c }],
  build: (graph, inputs) => crop(graph, 'crop', nthValue(inputs, 0), attrs),
  reference: (inputs) =>
    refTensor(n, attrs.height, attrs.width, c, (b, y, x, k) =>
      elementOf(inputOf(inputs, 0), b, y + attrs.top, x + attrs.left, k),
    ),
  bounds: EXACT,
}))

const ofConcatenation: OpCase = {
  name: 'pad zero of a concatenation 1x3x3x(3+2)',
  op: 'pad',
  inputs: [3, 2].map((c) => ({ n: 1, h: 3, w: 3, c })),
  build: (graph, inputs) =>
    pad(graph, 'pad', concat(graph, 'concat', inputs), {
      top: 1,
      right: 1,
      bottom: 0,
      left: 0,
      mode: 'zero',
    }),
  reference: (inputs) =>
    padReference(concatReference(inputs), { top: 1, right: 1, bottom: 0, left: 0, mode: 'zero' }),
  bounds: EXACT,
}

export const padCropCases: OpCase[] = [...padCases, ...cropCases, ofConcatenation]
