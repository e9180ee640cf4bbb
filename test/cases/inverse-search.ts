import {
  INVERSE_SEARCH_DEFAULTS,
  type InverseSearchAttrs,
  inverseSearch,
} from '../../src/ops/flow/inverse-search.js'
import { resize } from '../../src/ops/image/resize.js'
import { inputOf } from '../reference/dense.js'
import { inverseSearchReference } from '../reference/inverse-search.js'
import { bilinearReference } from '../reference/resize.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const GREY = [25, 80, 12] as const

const table: readonly {
  readonly at: readonly [number, number, number]
  readonly attrs?: Partial<InverseSearchAttrs>
  readonly range?: number
  /** Of the fragments' lanes: no face where the last is negative. */
  readonly lanes?: readonly [number, number]
  readonly bench?: boolean
}[] = [
  { at: [1, 45, 57] },
  { at: [2, 33, 70], attrs: { rounds: 1, smoothings: 3 } },
  { at: [1, 64, 64], attrs: { rounds: 2, smoothings: 0 } },
  { at: [1, 8, 8] },
  { at: [1, 19, 9], attrs: { rounds: 2, smoothings: 2 } },
  // More smoothing than one tile of the hardware schedule takes.
  { at: [1, 150, 41], attrs: { rounds: 1, smoothings: 11 } },
  // Flows that lead outside the map.
  { at: [1, 40, 40], range: 60, attrs: { rounds: 2, smoothings: 2 } },
  { at: [1, 40, 41], lanes: [-30, -10] },
  { at: [1, 224, 224], lanes: [-10, 60], bench: true },
]

/** Images are smooth: patches of noise have no place that looks like them. */
function smoothCase({
  at: [n, h, w],
  attrs,
  range = 2,
  lanes = [-12, 60],
  bench,
}: (typeof table)[number]): OpCase {
  const chosen: InverseSearchAttrs = { grey: GREY, ...INVERSE_SEARCH_DEFAULTS, ...attrs }
  const small = { n, h: Math.ceil(h / 4), w: Math.ceil(w / 4), c: 3 }
  const { rounds, smoothings } = chosen
  return {
    name: `inverseSearch ${n}x${h}x${w}, flow within ${range}, fragments ${lanes.join(' to ')}, ${rounds} x ${smoothings}`,
    op: 'inverseSearch',
    inputs: [{ ...small, range: [-range, range] }, small, small, { n, h, w, c: 4, range: lanes }],
    build: (graph, inputs) => {
      const [flow, source, target] = ['flow', 'source', 'target'].map((name, i) =>
        resize(graph, name, nthValue(inputs, i), { height: h, width: w, mode: 'bilinear' }),
      )
      if (flow === undefined || source === undefined || target === undefined) throw new RangeError('no maps')
      return inverseSearch(graph, 'refined', flow, { source, target }, nthValue(inputs, 3), chosen)
    },
    reference: (inputs) => {
      const [flow, source, target] = [0, 1, 2].map((i) => bilinearReference(inputOf(inputs, i), h, w, false))
      if (flow === undefined || source === undefined || target === undefined) throw new RangeError('no maps')
      return inverseSearchReference(flow, source, target, inputOf(inputs, 3), chosen)
    },
    // Each step divides by what is left of two nearly equal sums.
    bounds: { nmse: 1e-8, maxError: 2e-3 },
    ...(bench && { bench }),
  }
}

export const inverseSearchCases: OpCase[] = table.map(smoothCase)
