import { type ConsistencyAttrs, forwardBackwardConsistency } from '../../src/ops/flow/consistency.js'
import { relu } from '../../src/ops/tensor/activation.js'
import { scale as scaled } from '../../src/ops/tensor/elementwise.js'
import { consistencyReference } from '../reference/consistency.js'
import { inputOf, mapTensor } from '../reference/dense.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const usual: ConsistencyAttrs = { scale: 1, alpha: 0.01, beta: 0.5 }

const table = [
  { at: [1, 9, 7, 3], range: 2, attrs: usual },
  { at: [2, 5, 6, 2], range: 0.5, attrs: { scale: 4, alpha: 0.05, beta: 2 } },
  { at: [1, 1, 1, 2], range: 1, attrs: usual },
  { at: [1, 6, 6, 3], range: 100, attrs: usual },
] as const

const tableCases = table.flatMap(({ at: [n, h, w, c], range, attrs }): OpCase[] => {
  const flow = { n, h, w, c, range: [-range, range] as const }
  const at = `${n}x${h}x${w}x${c} within ${range * attrs.scale}`
  return [
    {
      name: `consistency ${at}`,
      op: 'consistency',
      inputs: [flow, flow],
      build: (graph, inputs) =>
        forwardBackwardConsistency(graph, 'check', nthValue(inputs, 0), nthValue(inputs, 1), attrs),
      reference: (inputs) => consistencyReference(inputOf(inputs, 0), inputOf(inputs, 1), undefined, attrs),
    },
    {
      name: `consistency ${at}, masked`,
      op: 'consistency',
      inputs: [flow, flow, { n, h, w, c: 1 }],
      build: (graph, inputs) =>
        forwardBackwardConsistency(
          graph,
          'check',
          nthValue(inputs, 0),
          nthValue(inputs, 1),
          attrs,
          relu(graph, 'mask', nthValue(inputs, 2)),
        ),
      reference: (inputs) =>
        consistencyReference(
          inputOf(inputs, 0),
          inputOf(inputs, 1),
          mapTensor(inputOf(inputs, 2), (x) => Math.max(x, 0)),
          attrs,
        ),
    },
  ]
})

/** A constant flow and its reverse cancel: distance 0, confidence 1 inside. */
const cancelling: OpCase = {
  name: 'consistency of a constant flow and its reverse',
  op: 'consistency',
  inputs: [{ n: 1, h: 5, w: 8, c: 3, range: [1.25, 1.25] }],
  build: (graph, inputs) => {
    const forward = nthValue(inputs, 0)
    const backward = scaled(graph, 'reverse', forward, { scale: -1 })
    return forwardBackwardConsistency(graph, 'check', forward, backward, usual)
  },
  reference: (inputs) => {
    const forward = inputOf(inputs, 0)
    return consistencyReference(
      forward,
      mapTensor(forward, (x) => -x),
      undefined,
      usual,
    )
  },
}

export const consistencyCases: OpCase[] = [...tableCases, cancelling]
