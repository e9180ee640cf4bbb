import { fragmentDepth, fragmentMask, fragmentMasked, interpolate } from '../../src/ops/mesh/interpolate.js'
import { type RasteriseAttrs, rasterise } from '../../src/ops/mesh/rasterise.js'
import { randomArray, seededRandom } from '../random.js'
import { inputOf, mapTensor, refTensor } from '../reference/dense.js'
import { interpolateReference, rasteriseReference } from '../reference/raster.js'
import type { OpCase } from './case.js'
import { nthValue } from './values.js'

/** `count` triangles between random ones of `vertices` vertices; some have two equal corners. */
export function randomTriangles(count: number, vertices: number): Uint32Array {
  const random = seededRandom(`${count} triangles of ${vertices} vertices`)
  return Uint32Array.from({ length: count * 3 }, () => Math.floor(random() * vertices))
}

/** Two triangles a cell of a grid with `columns` x `rows` vertices, counter-clockwise on the screen. */
export function gridTriangles(columns: number, rows: number): Uint32Array {
  const triangles: number[] = []
  for (let y = 0; y + 1 < rows; y++) {
    for (let x = 0; x + 1 < columns; x++) {
      const corner = y * columns + x
      triangles.push(corner, corner + columns, corner + 1)
      triangles.push(corner + 1, corner + columns, corner + columns + 1)
    }
  }
  return Uint32Array.from(triangles)
}

const consecutive = (count: number): Uint32Array => Uint32Array.from({ length: count * 3 }, (_, i) => i)

interface Scene extends RasteriseAttrs {
  readonly name: string
  readonly vertices: number
  readonly n?: number
  readonly range: readonly [number, number]
}

const scenes: Scene[] = [
  { name: 'one pixel', width: 1, height: 1, vertices: 12, triangles: randomTriangles(9, 12), range: [-2, 3] },
  {
    name: 'one row',
    width: 37,
    height: 1,
    vertices: 30,
    triangles: randomTriangles(20, 30),
    range: [-4, 41],
  },
  {
    name: 'one column',
    width: 1,
    height: 29,
    vertices: 30,
    triangles: randomTriangles(20, 30),
    range: [-4, 33],
  },
  {
    name: 'odd size',
    width: 61,
    height: 47,
    vertices: 90,
    triangles: randomTriangles(45, 90),
    range: [-10, 70],
  },
  {
    name: 'single triangle',
    width: 7,
    height: 5,
    vertices: 3,
    triangles: Uint32Array.of(0, 1, 2),
    range: [-1, 8],
  },
  {
    name: 'fronts',
    width: 33,
    height: 40,
    vertices: 60,
    triangles: randomTriangles(50, 60),
    range: [-5, 45],
    cull: 'back',
  },
  {
    name: 'clockwise fronts',
    width: 33,
    height: 40,
    vertices: 60,
    triangles: randomTriangles(50, 60),
    range: [-5, 45],
    cull: 'back',
    frontFace: 'cw',
  },
  { name: 'huge', width: 50, height: 31, vertices: 90, triangles: consecutive(30), range: [-2e6, 2e6] },
  {
    name: 'out of range',
    width: 20,
    height: 20,
    vertices: 60,
    triangles: consecutive(20),
    range: [-2.3e6, 2.3e6],
  },
  // More than a tile looks at, and notes, at once.
  {
    name: 'small and many',
    width: 21,
    height: 18,
    vertices: 300,
    triangles: randomTriangles(1300, 300),
    range: [2, 17],
  },
  { name: 'sub-pixel', width: 9, height: 9, vertices: 900, triangles: consecutive(300), range: [4, 4.6] },
  {
    name: 'batch',
    n: 2,
    width: 29,
    height: 23,
    vertices: 40,
    triangles: randomTriangles(33, 40),
    range: [-3, 30],
  },
]

/** Triangles of a second mesh, behind a first one's. */
const behindScenes: Scene[] = [
  {
    name: 'behind another raster',
    n: 2,
    width: 37,
    height: 33,
    vertices: 60,
    triangles: randomTriangles(16, 60),
    range: [-5, 45],
    firstTriangle: 20,
  },
  {
    name: 'behind a raster without triangles of its own range',
    width: 20,
    height: 9,
    vertices: 9,
    triangles: consecutive(3),
    range: [-2, 22],
    cull: 'back',
    firstTriangle: 1000,
  },
]

const inputsOf = ({ n = 1, vertices, range }: Scene): OpCase['inputs'] => [
  { n, h: 1, w: vertices, c: 3, range },
]

const frontOf = ({ triangles: _, vertices, range, ...scene }: Scene): Scene => ({
  ...scene,
  firstTriangle: 0,
  vertices,
  triangles: randomTriangles(7, vertices),
  range,
})

const behindCases: OpCase[] = behindScenes.flatMap((scene): OpCase[] => {
  const first = frontOf(scene)
  const channels = 5
  const map = { n: scene.n ?? 1, h: scene.height, w: scene.width, c: channels }
  return [
    {
      name: `rasterise ${scene.name} ${scene.height}x${scene.width}`,
      op: 'rasterise',
      inputs: [...inputsOf(scene), ...inputsOf(first)],
      build: (graph, inputs) => {
        const front = rasterise(graph, 'front', nthValue(inputs, 1), first)
        return rasterise(graph, 'rasterise', nthValue(inputs, 0), scene, front)
      },
      reference: (inputs) =>
        rasteriseReference(inputOf(inputs, 0), scene, rasteriseReference(inputOf(inputs, 1), first)),
      bounds: { nmse: 1e-10, maxError: 1e-5 },
    },
    {
      name: `interpolate ${scene.name} ${scene.height}x${scene.width}x${channels}`,
      op: 'interpolate',
      inputs: [
        ...inputsOf(scene),
        ...inputsOf(first),
        { n: 1, h: 1, w: scene.vertices, c: channels, range: [-3, 5] },
        map,
      ],
      build: (graph, inputs) => {
        const front = rasterise(graph, 'front', nthValue(inputs, 1), first)
        const all = rasterise(graph, 'rasterise', nthValue(inputs, 0), scene, front)
        return interpolate(graph, 'interpolate', all, nthValue(inputs, 2), scene, nthValue(inputs, 3))
      },
      reference: (inputs) => {
        const front = rasteriseReference(inputOf(inputs, 1), first)
        const all = rasteriseReference(inputOf(inputs, 0), scene, front)
        const { triangles, firstTriangle } = scene
        return interpolateReference(all, inputOf(inputs, 2), triangles, firstTriangle, inputOf(inputs, 3))
      },
    },
  ]
})

// The bounds are relative to the largest triangle index or coordinate.
const rasteriseCases: OpCase[] = scenes.map((scene) => ({
  name: `rasterise ${scene.name} ${scene.height}x${scene.width}`,
  op: 'rasterise',
  inputs: inputsOf(scene),
  build: (graph, inputs) => rasterise(graph, 'rasterise', nthValue(inputs, 0), scene),
  reference: (inputs) => rasteriseReference(inputOf(inputs, 0), scene),
  bounds: { nmse: 1e-10, maxError: 1e-5 },
}))

const grid: Scene = {
  name: 'face-sized',
  width: 224,
  height: 224,
  vertices: 468,
  triangles: randomTriangles(898, 468),
  range: [20, 200],
}

const rasteriseBench: OpCase = {
  name: 'rasterise face-sized 224x224, 898 triangles',
  op: 'rasterise',
  // Vertices in a narrow range: triangles about as small as those of a face mesh.
  inputs: [{ n: 1, h: 1, w: grid.vertices, c: 3, range: [100, 118] }],
  build: (graph, inputs) => rasterise(graph, 'rasterise', nthValue(inputs, 0), grid),
  reference: (inputs) => rasteriseReference(inputOf(inputs, 0), grid),
  bounds: { nmse: 1e-12, maxError: 1e-6 },
  bench: true,
}

const small: Scene = {
  name: 'small',
  width: 45,
  height: 38,
  vertices: 40,
  triangles: randomTriangles(22, 40),
  range: [-4, 48],
}

/** Where triangles are not what is tested: the self-test stores them. */
const few: Scene = { ...small, vertices: 12, triangles: randomTriangles(9, 12) }

const interpolateCases: OpCase[] = [
  ...[1, 3, 4, 5].map((channels): OpCase => {
    const table = randomArray(seededRandom(`table ${channels}`), few.vertices * channels, [-1, 1])
    const attributes = refTensor(1, 1, few.vertices, channels, (_n, _y, x, c) => table[x * channels + c] ?? 0)
    return {
      name: `interpolate constant ${channels} channels 38x45`,
      op: 'interpolate',
      inputs: inputsOf(few),
      build: (graph, inputs) => {
        const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 0), few)
        const constant = { data: Float32Array.from(table), channels }
        return interpolate(graph, 'interpolate', fragments, constant, few)
      },
      reference: (inputs) => {
        const fragments = rasteriseReference(inputOf(inputs, 0), few)
        return interpolateReference(fragments, attributes, few.triangles)
      },
    }
  }),
  ...[
    { n: 1, attributeN: 1, channels: 7, scene: small },
    { n: 2, attributeN: 2, channels: 3, scene: small },
    { n: 2, attributeN: 1, channels: 9, scene: small },
    { n: 1, attributeN: 1, channels: 7, scene: grid },
  ].map(
    ({ n, attributeN, channels, scene }): OpCase => ({
      name: `interpolate tensor ${scene.name} ${n}x${scene.height}x${scene.width}x${channels} of ${attributeN}`,
      op: 'interpolate',
      inputs: [
        ...inputsOf({ ...scene, n }),
        { n: attributeN, h: 1, w: scene.vertices, c: channels, range: [-3, 5] },
      ],
      build: (graph, inputs) => {
        const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 0), scene)
        return interpolate(graph, 'interpolate', fragments, nthValue(inputs, 1), scene)
      },
      reference: (inputs) => {
        const fragments = rasteriseReference(inputOf(inputs, 0), scene)
        return interpolateReference(fragments, inputOf(inputs, 1), scene.triangles)
      },
      bench: scene === grid,
    }),
  ),
]

const channelCases: OpCase[] = [
  ...[1, 2].map(
    (n): OpCase => ({
      name: `fragmentMask ${n > 1 ? `${n}x` : ''}38x45`,
      op: 'fragmentChannel',
      inputs: inputsOf({ ...few, n }),
      build: (graph, inputs) =>
        fragmentMask(graph, 'mask', rasterise(graph, 'rasterise', nthValue(inputs, 0), few)),
      reference: (inputs) => {
        const { data, ...shape } = rasteriseReference(inputOf(inputs, 0), few)
        return { ...shape, c: 1, data: data.filter((_, i) => i % 4 === 3).map((t) => (t >= 0 ? 1 : 0)) }
      },
      bounds: { nmse: 0, maxError: 0 },
    }),
  ),
  ...[3, 9].map(
    (c): OpCase => ({
      name: `fragmentMasked 2x38x45x${c}`,
      op: 'fragmentMasked',
      inputs: [...inputsOf({ ...few, n: 2 }), { n: 2, h: few.height, w: few.width, c }],
      build: (graph, inputs) => {
        const fragments = rasterise(graph, 'rasterise', nthValue(inputs, 0), few)
        return fragmentMasked(graph, 'masked', nthValue(inputs, 1), fragments, 2.5)
      },
      reference: (inputs) => {
        const fragments = rasteriseReference(inputOf(inputs, 0), few)
        const { data, ...shape } = inputOf(inputs, 1)
        const masked = data.map((v, i) =>
          (fragments.data[Math.floor(i / c) * 4 + 3] ?? -1) >= 0 ? 2.5 * v : 0,
        )
        return { ...shape, data: masked }
      },
    }),
  ),
  {
    name: 'fragmentDepth 2x38x45',
    op: 'fragmentChannel',
    inputs: inputsOf({ ...few, n: 2 }),
    build: (graph, inputs) =>
      fragmentDepth(graph, 'depth', rasterise(graph, 'rasterise', nthValue(inputs, 0), few), 0.01),
    reference: (inputs) => {
      const { data, ...shape } = rasteriseReference(inputOf(inputs, 0), few)
      return mapTensor({ ...shape, c: 1, data: data.filter((_, i) => i % 4 === 0) }, (z) => z * 0.01)
    },
  },
]

export const rasterCases: OpCase[] = [
  ...rasteriseCases,
  ...behindCases,
  rasteriseBench,
  ...interpolateCases,
  ...channelCases,
]
