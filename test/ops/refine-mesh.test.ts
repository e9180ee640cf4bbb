import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { type RefineMeshAttrs, refineMesh } from '../../src/ops/mesh/refine-mesh.js'
import { inputTensor } from '../../src/ops/tensor/border.js'

describe('refineMesh', () => {
  const refuse = (channels: number, points: number, attrs: RefineMeshAttrs, problem: RegExp) => {
    const graph = new GraphBuilder('refused')
    const input = (name: string, c: number) => inputTensor(graph, name, { n: 1, h: 1, w: 1, c })
    expect(() =>
      refineMesh(graph, 'lips', input('mesh', channels), input('points', 2 * points), attrs),
    ).toThrow(expect.objectContaining({ code: 'INVALID_GRAPH', message: expect.stringMatching(problem) }))
  }

  it('refuses inputs and indices that do not fit, naming the node', () => {
    refuse(7, 1, { vertices: [0] }, /"lips".*3V/)
    refuse(6, 2, { vertices: [0] }, /points must be 1 x 1 x 1 x 2/)
    refuse(6, 2, { vertices: [1, 1] }, /share a vertex/)
    refuse(6, 1, { vertices: [3], depthFrom: [0] }, /vertex 3 is not in 0\.\.2/)
    refuse(6, 1, { vertices: [2] }, /depthFrom/)
    refuse(6, 1, { vertices: [2], depthFrom: [2] }, /vertex 2 is not in 0\.\.1/)
  })
})
