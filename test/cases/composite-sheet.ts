import { compositeSheet } from '../../src/ops/image/composite-sheet.js'
import { resize } from '../../src/ops/image/resize.js'
import { compositeSheetReference } from '../reference/composite-sheet.js'
import { inputOf } from '../reference/dense.js'
import { bilinearReference } from '../reference/resize.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

/** In half precision places are rounded, to an eighth of a pixel at 200. */
const PLACE_NMSE = 2e-3

interface Row {
  readonly n: number
  readonly at: readonly [number, number]
  readonly sheet: readonly [number, number]
  readonly patch: readonly [number, number]
  readonly range: readonly [number, number]
  readonly channels: 3 | 4
  /** Rows and columns of places between which the others lie. */
  readonly smooth?: readonly [number, number]
}

const table: readonly Row[] = [
  { n: 1, at: [9, 7], sheet: [5, 6], patch: [3, 4], range: [-2, 8], channels: 3 },
  { n: 2, at: [4, 5], sheet: [1, 1], patch: [1, 2], range: [-1, 3], channels: 4 },
  { n: 1, at: [1, 1], sheet: [2, 9], patch: [2, 2], range: [0, 2], channels: 3 },
  { n: 3, at: [17, 6], sheet: [12, 3], patch: [8, 8], range: [-4, 14], channels: 3 },
  { n: 1, at: [18, 17], sheet: [7, 9], patch: [4, 3], range: [-3, 10], channels: 4 },
  // A whole sheet drawn out smoothly from a few places, more in one direction than in the other.
  { n: 2, at: [19, 23], sheet: [9, 8], patch: [3, 3], range: [-9, 9], channels: 3, smooth: [2, 3] },
  { n: 1, at: [25, 16], sheet: [16, 16], patch: [2, 2], range: [-14, 6], channels: 4, smooth: [3, 2] },
]

export const compositeSheetCases: OpCase[] = table.map(
  ({ n, at: [h, w], sheet, patch, range, channels, smooth }) => ({
    name: `compositeSheet ${n}x${h}x${w} of ${sheet.join('x')} with ${patch.join('x')} within ${range.join(' .. ')}${channels === 4 ? ', weighted' : ''}${smooth ? ', smooth' : ''}`,
    op: 'compositeSheet',
    inputs: [
      // Half of the fragments are empty, half of the places without a patch, by the sign of the range.
      { n, h, w, c: 4, ...(smooth && { range: [0, 1] as const }) },
      { n, h: smooth?.[0] ?? h, w: smooth?.[1] ?? w, c: 4, range },
      { n, h, w, c: channels, range: [0.5, 2] as const },
      { n: 1, h: sheet[0], w: sheet[1], c: 4, range: [0, 1] as const },
      { n: 1, h, w, c: 3, range: [0, 1] as const },
      { n, h: patch[0], w: patch[1], c: 4, range: [0, 1] as const },
    ],
    build: (graph, values) => {
      const places = nthValue(values, 1)
      const between = { height: h, width: w, mode: 'bilinear', alignCorners: true } as const
      return compositeSheet(graph, 'composite', {
        fragments: nthValue(values, 0),
        places: smooth ? resize(graph, 'smooth', places, between) : places,
        light: nthValue(values, 2),
        sheet: nthValue(values, 3),
        backdrop: nthValue(values, 4),
        patch: nthValue(values, 5),
      })
    },
    reference: (inputs) => {
      type Tensor = ReturnType<typeof inputOf>
      const [fragments, places, light, from, under, over] = [0, 1, 2, 3, 4, 5].map((i) =>
        inputOf(inputs, i),
      ) as [...[Tensor, Tensor, Tensor], ...[Tensor, Tensor, Tensor]]
      const whole = smooth ? bilinearReference(places, h, w, true) : places
      return compositeSheetReference(fragments, whole, light, from, under, over)
    },
    f16Nmse: PLACE_NMSE,
  }),
)
