import {
  VARIATIONAL_DEFAULTS,
  type VariationalAttrs,
  variationalRefinement,
} from '../../src/ops/flow/variational.js'
import { resize } from '../../src/ops/image/resize.js'
import { inputOf } from '../reference/dense.js'
import { bilinearReference } from '../reference/resize.js'
import { variationalReference } from '../reference/variational.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const GREY = [25, 80, 12] as const

const table: readonly {
  readonly at: readonly [number, number, number]
  readonly attrs?: Partial<VariationalAttrs>
  readonly range?: number
  /** Of the fragments' lanes: no face where the last is negative. */
  readonly lanes?: readonly [number, number]
  readonly bench?: boolean
}[] = [
  { at: [1, 45, 57] },
  { at: [2, 33, 70], attrs: { sweeps: 1 } },
  { at: [1, 1, 1] },
  { at: [1, 19, 1], attrs: { sweeps: 3 } },
  { at: [1, 8, 9], lanes: [0, 60] },
  // More half sweeps than one tile of the hardware schedule takes.
  { at: [1, 70, 41], attrs: { sweeps: 6 } },
  // Flows that lead outside the map.
  { at: [1, 40, 40], range: 60 },
  // No face.
  { at: [1, 24, 41], lanes: [-30, -10] },
  { at: [1, 224, 224], lanes: [-10, 60], bench: true },
]

/** Images and flows are smooth, as those of faces are. */
function smoothCase({
  at: [n, h, w],
  attrs,
  range = 2,
  lanes = [-12, 60],
  bench,
}: (typeof table)[number]): OpCase {
  const chosen: VariationalAttrs = { grey: GREY, ...VARIATIONAL_DEFAULTS, ...attrs }
  const small = { n, h: Math.ceil(h / 4), w: Math.ceil(w / 4), c: 3 }
  return {
    name: `variationalRefinement ${n}x${h}x${w}, flow within ${range}, fragments ${lanes.join(' to ')}, ${chosen.sweeps} sweeps`,
    op: 'variationalRefinement',
    inputs: [{ ...small, range: [-range, range] }, small, small, { n, h, w, c: 4, range: lanes }],
    build: (graph, inputs) => {
      const [flow, source, target] = ['flow', 'source', 'target'].map((name, i) =>
        resize(graph, name, nthValue(inputs, i), { height: h, width: w, mode: 'bilinear' }),
      )
      if (flow === undefined || source === undefined || target === undefined) throw new RangeError('no maps')
      return variationalRefinement(graph, 'refined', flow, { source, target }, nthValue(inputs, 3), chosen)
    },
    reference: (inputs) => {
      const [flow, source, target] = [0, 1, 2].map((i) => bilinearReference(inputOf(inputs, i), h, w, false))
      if (flow === undefined || source === undefined || target === undefined) throw new RangeError('no maps')
      return variationalReference(flow, source, target, inputOf(inputs, 3), chosen)
    },
    bounds: { nmse: 1e-9, maxError: 1e-3 },
    ...(bench && { bench }),
  }
}

export const variationalCases: OpCase[] = table.map(smoothCase)
