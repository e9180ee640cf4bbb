import {
  type RegionTransformAttrs,
  regionCrop,
  regionPoints,
  regionTransform,
} from '../../src/ops/mesh/landmark-attention.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { inputOf } from '../reference/dense.js'
import {
  regionCropReference,
  regionPointsReference,
  regionTransformReference,
} from '../reference/landmark-attention.js'
import { concatReference } from '../reference/structure.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

const region: RegionTransformAttrs = {
  line: [2, 5],
  vertices: [0, 1, 2, 3, 5, 7, 8, 10],
  scale: 0.25,
  side: 16,
  margin: 1.5,
}

const transformCases: OpCase[] = [
  { n: 1, vertices: 11, range: [0, 192] as const, attrs: region },
  { n: 3, vertices: 13, range: [-50, 50] as const, attrs: { ...region, line: [5, 2] as const, margin: 2 } },
  // A line of no length: the region stays upright.
  { n: 1, vertices: 11, range: [0, 192] as const, attrs: { ...region, line: [4, 4] as const } },
  { n: 1, vertices: 6, range: [1, 9] as const, attrs: { ...region, vertices: [3], line: [1, 3] as const } },
].map(({ n, vertices, range, attrs }) => ({
  name: `regionTransform ${n} x ${vertices} vertices, ${attrs.vertices.length} span, line ${attrs.line}`,
  op: 'regionTransform',
  inputs: [{ n, h: 1, w: 1, c: vertices * 3, range }],
  build: (graph, inputs) => regionTransform(graph, 'transform', nthValue(inputs, 0), attrs),
  reference: (inputs) => regionTransformReference(inputOf(inputs, 0), attrs),
}))

/** Transforms of random matrices reach far outside the map, those of landmarks stay about it. */
const cropCases: OpCase[] = [
  { n: 1, h: 12, w: 9, c: 5, size: [16, 16] as const },
  { n: 2, h: 7, w: 11, c: 3, size: [4, 6] as const },
  { n: 1, h: 1, w: 1, c: 1, size: [3, 3] as const },
].flatMap(({ n, h, w, c, size: [height, width] }): OpCase[] => [
  {
    name: `regionCrop ${n}x${h}x${w}x${c} -> ${height}x${width} by any matrix`,
    op: 'regionCrop',
    inputs: [
      { n, h, w, c },
      { n, h: 1, w: 1, c: 6 },
    ],
    build: (graph, inputs) =>
      regionCrop(graph, 'crop', nthValue(inputs, 0), nthValue(inputs, 1), { height, width }),
    reference: (inputs) => regionCropReference(inputOf(inputs, 0), inputOf(inputs, 1), height, width),
  },
  {
    name: `regionCrop ${n}x${h}x${w}x${c} -> ${height}x${width} by landmarks`,
    op: 'regionCrop',
    inputs: [
      { n, h, w, c },
      { n, h: 1, w: 1, c: 33, range: [0, 4 * w] },
    ],
    build: (graph, inputs) => {
      const transform = regionTransform(graph, 'transform', nthValue(inputs, 1), region)
      return regionCrop(graph, 'crop', nthValue(inputs, 0), transform, { height, width })
    },
    reference: (inputs) =>
      regionCropReference(
        inputOf(inputs, 0),
        regionTransformReference(inputOf(inputs, 1), region),
        height,
        width,
      ),
    bounds: { nmse: 1e-8, maxError: 1e-3 },
  },
])

const pointCases: OpCase[] = [
  { n: 1, points: 71 },
  { n: 2, points: 5 },
  { n: 1, points: 1 },
].map(({ n, points }) => ({
  name: `regionPoints ${n} x ${points}`,
  op: 'regionPoints',
  inputs: [
    { n, h: 1, w: 1, c: 2 * points, range: [0, 64] },
    { n, h: 1, w: 1, c: 6 },
  ],
  build: (graph, inputs) =>
    regionPoints(graph, 'points', nthValue(inputs, 0), nthValue(inputs, 1), { scale: 4 }),
  reference: (inputs) => regionPointsReference(inputOf(inputs, 0), inputOf(inputs, 1), 4),
}))

const ofConcatenation: OpCase = {
  name: 'regionCrop of a concatenation 1x6x5x(3+2)',
  op: 'regionCrop',
  inputs: [
    { n: 1, h: 6, w: 5, c: 3 },
    { n: 1, h: 6, w: 5, c: 2 },
    { n: 1, h: 1, w: 1, c: 6 },
  ],
  build: (graph, inputs) =>
    regionCrop(graph, 'crop', concat(graph, 'concat', inputs.slice(0, 2)), nthValue(inputs, 2), {
      height: 5,
      width: 4,
    }),
  reference: (inputs) => regionCropReference(concatReference(inputs.slice(0, 2)), inputOf(inputs, 2), 5, 4),
}

export const landmarkAttentionCases: OpCase[] = [
  ...transformCases,
  ...cropCases,
  ...pointCases,
  ofConcatenation,
]
