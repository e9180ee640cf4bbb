import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { describeType } from '../../src/graph/tensor.js'
import { addVertexMotion } from '../../src/ops/mesh/add-vertex-motion.js'
import { fragmentDepth, fragmentMask, interpolate } from '../../src/ops/mesh/interpolate.js'
import { type RasteriseAttrs, rasterise } from '../../src/ops/mesh/rasterise.js'
import { vertexMotion } from '../../src/ops/mesh/vertex-motion.js'
import {
  affineVertices,
  gatherVertices,
  type VertexAttribute,
  vertexAttributes,
} from '../../src/ops/mesh/vertices.js'
import { inputTensor } from '../../src/ops/tensor/border.js'

const triangles = Uint32Array.of(0, 1, 2)

function tensor(graph: GraphBuilder, name: string, h: number, w: number, c: number, n = 1): Value {
  return inputTensor(graph, name, { n, h, w, c })
}

describe('rasterise refuses', () => {
  const build =
    (attrs: Partial<RasteriseAttrs>, c = 3, h = 1) =>
    () => {
      const graph = new GraphBuilder('g')
      return rasterise(graph, 'faces', tensor(graph, 'v', h, 5, c), {
        width: 8,
        height: 8,
        triangles,
        ...attrs,
      })
    }

  it.each([
    ['vertices without depth', build({}, 2), /rasterise "faces" \(1x1x5x2\): vertices must be n x 1 x V x 3/],
    ['vertices in rows', build({}, 3, 2), /vertices must be/],
    ['an empty raster', build({ width: 0 }), /width must be a whole number >= 1/],
    ['a fractional raster', build({ height: 2.5 }), /height/],
    ['a raster too large to index', build({ width: 20000 }), /width is at most 16384/],
    ['a first number that no fragment can hold', build({ firstTriangle: 2 ** 24 }), /firstTriangle must be/],
    ['no triangles', build({ triangles: new Uint32Array(0) }), /3 indices each, got 0/],
    ['half a triangle', build({ triangles: Uint32Array.of(0, 1, 2, 3) }), /3 indices each, got 4/],
    [
      'an index past the last vertex',
      build({ triangles: Uint32Array.of(0, 1, 2, 3, 4, 5) }),
      /triangle 1 refers to vertex 5, but there are 5/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_GRAPH' }))
  })

  it('a raster in front of another size', () => {
    const graph = new GraphBuilder('g')
    const [vertices, front] = [tensor(graph, 'v', 1, 5, 3), tensor(graph, 'f', 8, 9, 4)]
    const attrs = { width: 8, height: 8, triangles }
    expect(() => rasterise(graph, 'faces', vertices, attrs, front)).toThrow(/n, h and w of the map/)
  })
})

describe('interpolate and the channels of fragments', () => {
  const build =
    (change: { fragmentChannels?: number; attributes?: [number, number, number, number] }) => () => {
      const graph = new GraphBuilder('g')
      const fragments = tensor(graph, 'f', 4, 4, change.fragmentChannels ?? 4)
      const [n, h, w, c] = change.attributes ?? [1, 1, 5, 2]
      return interpolate(graph, 'fill', fragments, tensor(graph, 'a', h, w, c, n), { triangles })
    }

  it('give as many channels as the attributes have', () => {
    expect(describeType(build({ attributes: [1, 1, 5, 7] })().type)).toBe('1x4x4x7')
  })

  it('refuse what does not fit', () => {
    expect(build({ fragmentChannels: 3 })).toThrow(/interpolate "fill".*fragments must be/)
    expect(build({ attributes: [2, 1, 5, 2] })).toThrow(/attributes must be/)
    expect(build({ attributes: [1, 5, 1, 2] })).toThrow(/attributes must be/)
    expect(build({ attributes: [1, 1, 2, 2] })).toThrow(/triangle 0 refers to vertex 2/)
    const graph = new GraphBuilder('g')
    const fragments = tensor(graph, 'f', 4, 4, 4)
    const table = { data: new Float32Array(7), channels: 2 }
    expect(() => interpolate(graph, 'table', fragments, table, { triangles })).toThrow(/table rows/)
    const other = tensor(graph, 'other', 4, 4, 3)
    const filled = tensor(graph, 'filled', 1, 5, 2)
    expect(() => interpolate(graph, 'behind', fragments, filled, { triangles }, other)).toThrow(
      /in front must have the shape/,
    )
    const whole = { data: new Float32Array(10), channels: 2 }
    expect(() => interpolate(graph, 'behind', fragments, whole, { triangles }, other)).toThrow(
      /needs attributes that are a tensor/,
    )
    const plain = tensor(graph, 'p', 4, 4, 1)
    expect(() => fragmentMask(graph, 'mask', plain)).toThrow(/fragmentChannel "mask"/)
    expect(() => fragmentDepth(graph, 'depth', fragments, Number.NaN)).toThrow(/scale must be finite/)
  })
})

describe('flows and vertices', () => {
  const graph = new GraphBuilder('g')
  const flow = tensor(graph, 'flow', 6, 4, 3)
  const fragments = tensor(graph, 'fragments', 6, 4, 4)
  const mesh = tensor(graph, 'mesh', 1, 5, 3)
  const values = tensor(graph, 'values', 1, 1, 5)
  let nodes = 0

  it('vertexMotion has a motion per vertex, and refuses what does not fit', () => {
    const build =
      (change: { flow?: Value; fragments?: Value; meshes?: readonly [Value, Value]; scale?: number }) => () =>
        vertexMotion(
          graph,
          `motion ${++nodes}`,
          change.flow ?? flow,
          change.fragments ?? fragments,
          change.meshes ?? [mesh],
          { scale: change.scale ?? 1 },
        )
    expect(build({ flow: tensor(graph, 'f2', 6, 4, 2) })).toThrow(/vertexMotion "motion \d".*dx, dy, dz/)
    expect(build({ fragments: tensor(graph, 'f3', 6, 4, 3) })).toThrow(/fragments must be/)
    expect(build({ fragments: tensor(graph, 'f4', 6, 5, 4) })).toThrow(/n, h and w of the map/)
    expect(build({ meshes: [mesh, tensor(graph, 'm4', 1, 4, 3)] })).toThrow(/agree in their vertices/)
    expect(build({ meshes: [mesh, tensor(graph, 'm2', 1, 5, 3, 2)] })).toThrow(/have the flow's n/)
    expect(build({ meshes: [mesh, tensor(graph, 'm3', 1, 5, 2)] })).toThrow(/vertices must be/)
    expect(build({ scale: Number.NaN })).toThrow(/scale must be finite/)
    const alone = (attrs: Partial<Parameters<typeof vertexMotion>[5]>) => () =>
      vertexMotion(graph, `alone ${++nodes}`, flow, fragments, [mesh], { scale: 1, ...attrs })
    expect(alone({ whole: true })).toThrow(/whole motion needs two meshes/)
    expect(alone({ beside: [{ kind: 'difference', scale: 1 }] })).toThrow(/difference needs two meshes/)
    expect(describeType(alone({ beside: [{ kind: 'depth', scale: 1 }] })().type)).toBe('1x1x5x(1+3)')
    expect(describeType(build({ meshes: [mesh, mesh] })().type)).toBe('1x1x5x3')
  })

  it('addVertexMotion has the shape of the flow, and refuses what does not fit', () => {
    const build =
      (change: {
        flow?: Value
        fragments?: Value
        motion?: Value | readonly [Value, Value]
        scale?: number
        corners?: Uint32Array
      }) =>
      () =>
        addVertexMotion(
          graph,
          `moved ${++nodes}`,
          change.flow ?? flow,
          change.fragments ?? fragments,
          change.motion ?? values,
          { triangles: change.corners ?? triangles, scale: change.scale ?? 1 },
        )
    expect(build({ flow: tensor(graph, 'g2', 6, 4, 2) })).toThrow(/addVertexMotion "moved \d+".*dx, dy, dz/)
    expect(build({ fragments: tensor(graph, 'g3', 7, 4, 4) })).toThrow(/n, h and w of the map/)
    expect(build({ motion: tensor(graph, 'v1', 1, 5, 1) })).toThrow(/a channel per vertex/)
    expect(build({ motion: tensor(graph, 'v2', 1, 1, 5, 2) })).toThrow(/a channel per vertex/)
    expect(build({ corners: Uint32Array.of(0, 1, 5) })).toThrow(/refers to vertex 5, but there are 5/)
    const further = tensor(graph, 'further', 1, 1, 2)
    expect(build({ motion: [values, further], corners: Uint32Array.of(0, 1, 7) })).toThrow(/but there are 7/)
    expect(build({ motion: [values, flow] })).toThrow(/a channel per vertex/)
    const vertices = tensor(graph, 'motion', 1, 5, 3)
    expect(build({ motion: vertices, corners: Uint32Array.of(0, 1, 5) })).toThrow(/but there are 5/)
    expect(build({ motion: [vertices, vertices] })).toThrow(/n x 1 x V x 3, or one or two lists of dz/)
    expect(build({ motion: [values, vertices] })).toThrow(/n x 1 x V x 3, or one or two lists of dz/)
    expect(build({ motion: tensor(graph, 'm6', 1, 5, 3, 2) })).toThrow(/n x 1 x V x 3/)
    expect(build({ motion: tensor(graph, 'm7', 2, 5, 3) })).toThrow(/n x 1 x V x 3/)
    expect(build({ scale: Number.POSITIVE_INFINITY })).toThrow(/scale must be finite/)
    for (const motion of [values, vertices]) {
      expect(describeType(build({ motion })().type)).toBe('1x6x4x3')
    }
  })
})

describe('vertex maps', () => {
  const mesh = (graph: GraphBuilder, name: string, vertices = 5) => tensor(graph, name, 1, vertices, 3)
  const attributes = (parts: VertexAttribute[], second?: number) => () => {
    const graph = new GraphBuilder('g')
    const first = mesh(graph, 'a')
    const meshes = second === undefined ? ([first] as const) : ([first, mesh(graph, 'b', second)] as const)
    return vertexAttributes(graph, 'parts', meshes, parts)
  }
  const constant = (rows: number): VertexAttribute => ({
    kind: 'constant',
    data: new Float32Array(rows * 2),
    channels: 2,
  })
  const difference: VertexAttribute = { kind: 'difference', scale: 1 }

  it('count the channels of their parts', () => {
    const { type } = attributes([constant(5), difference, { kind: 'depth', scale: 2 }], 5)()
    expect(describeType(type)).toBe('1x1x5x6')
  })

  it('refuse what does not fit', () => {
    expect(attributes([constant(4)])).toThrow(/vertexMap "parts".*5 rows/)
    expect(attributes([constant(5), constant(4)])).toThrow(/5 rows/)
    expect(attributes([difference])).toThrow(/difference needs two meshes/)
    expect(attributes([difference], 6)).toThrow(/differ in their shapes/)
    expect(attributes([])).toThrow(/no channels/)
    expect(attributes([{ kind: 'depth', scale: Number.POSITIVE_INFINITY }])).toThrow(/finite/)
    const graph = new GraphBuilder('g')
    const vertices = mesh(graph, 'v')
    expect(() => gatherVertices(graph, 'few', vertices, [0, 5])).toThrow(/has no vertex 5; there are 5/)
    expect(() => gatherVertices(graph, 'none', vertices, [])).toThrow(/no vertex to gather/)
    const picture = tensor(graph, 'p', 2, 2, 3)
    const unit = { scale: [1, 1, 1], offset: [0, 0, 0] } as const
    expect(() => affineVertices(graph, 'move', picture, unit)).toThrow(/vertices must be/)
    expect(() => affineVertices(graph, 'nan', vertices, { ...unit, offset: [0, Number.NaN, 0] })).toThrow(
      /finite/,
    )
  })
})
