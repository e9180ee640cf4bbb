import { warp, warpValidity } from '../../src/ops/flow/warp.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { inputOf, refTensor } from '../reference/dense.js'
import { concatReference } from '../reference/structure.js'
import { warpReference } from '../reference/warp.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const table = [
  { at: [1, 9, 7, 3], flowChannels: 2, range: 1.5, scale: 1 },
  { at: [2, 5, 6, 5], flowChannels: 3, range: 2, scale: 2 },
  { at: [1, 1, 1, 1], flowChannels: 2, range: 1, scale: 1 },
  { at: [1, 6, 5, 9], flowChannels: 3, range: 1e4, scale: 1 },
  { at: [1, 8, 8, 4], flowChannels: 3, range: 0, scale: 1 },
] as const

const tableCases: OpCase[] = table.flatMap(({ at: [n, h, w, c], flowChannels, range, scale }) => {
  const flow = { n, h, w, c: flowChannels, range: [-range, range] as const }
  const at = `${n}x${h}x${w}x${c} by flow ${flowChannels} within ${range * scale}`
  return [
    ...(['zero', 'clamp'] as const).map(
      (border): OpCase => ({
        name: `warp ${border} ${at}`,
        op: 'warp',
        inputs: [{ n, h, w, c }, flow],
        build: (graph, inputs) =>
          warp(graph, 'warp', nthValue(inputs, 0), nthValue(inputs, 1), { scale, border }),
        reference: (inputs) => warpReference(inputOf(inputs, 0), inputOf(inputs, 1), scale, border),
      }),
    ),
    {
      name: `warpValidity ${at}`,
      op: 'warp',
      inputs: [flow],
      build: (graph, inputs) => warpValidity(graph, 'validity', nthValue(inputs, 0), { scale }),
      reference: (inputs) =>
        warpReference(
          refTensor(n, h, w, 1, () => 1),
          inputOf(inputs, 0),
          scale,
          'zero',
        ),
    },
  ]
})

const ofConcatenation: OpCase = {
  name: 'warp of a concatenation 1x6x5x(3+2) by one of (2+1)',
  op: 'warp',
  inputs: [3, 2, 2, 1].map((c) => ({ n: 1, h: 6, w: 5, c })),
  build: (graph, inputs) =>
    warp(graph, 'warp', concat(graph, 'maps', inputs.slice(0, 2)), concat(graph, 'flow', inputs.slice(2)), {
      scale: 1,
      border: 'zero',
    }),
  reference: (inputs) =>
    warpReference(concatReference(inputs.slice(0, 2)), concatReference(inputs.slice(2)), 1, 'zero'),
}

export const warpCases: OpCase[] = [...tableCases, ofConcatenation]
