import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { deriveResult } from '../../src/face/flow-result.js'
import type { RegisteredFlowResult } from '../../src/face/types.js'
import type { Template } from '../../src/geometry/template.js'
import { denseFlow, ellipsoidMesh, turn } from '../support/synthetic.js'

const N = 224
const { vertices, triangles } = ellipsoidMesh()
const field = denseFlow(turn)
const ncc = vertices.map((v) => v / 256)
const template: Template = {
  version: 1,
  size: N,
  landmarks68: new Float32Array(136),
  regressorRoi: { cx: 112, cy: 112, side: 224 },
  ncc: { min: [0, 0, 0], max: [256, 256, 256] },
}

function frame(factor: number) {
  return { width: N, height: N, data: Uint8Array.from({ length: N * N * 4 }, (_, i) => (i * factor) % 251) }
}

function derive(): RegisteredFlowResult {
  const fragments = Float32Array.from({ length: N * N * 4 }, (_, k) => {
    const pixel = k >> 2
    if (field.mask[pixel] === 0) return (k & 3) === 3 ? -1 : 0
    return [field.depth[pixel] as number, 0.25, 0.5, pixel % (triangles.length / 3)][k & 3] as number
  })
  const maskOfB = Float32Array.from(field.mask, (m) => 20 * m)
  const occlusion = Float32Array.from({ length: N * N * 2 }, (_, i) =>
    field.mask[i >> 1] === 0 ? 0 : (i % 11) / 10,
  )
  const outputs = {
    frames: [frame(7), frame(11)] as const,
    flow: field.flow.slice(),
    fragments,
    mesh: vertices.slice(),
    drawnMesh: vertices.slice(),
    meshOfB: undefined,
    landmarksOfA: undefined,
    faces: [],
    backward: { flow: field.flow.map((v) => -v), occlusion, mask: maskOfB, meshMask: maskOfB },
  }
  const facts = {
    files: {
      triangles: Uint32Array.from(triangles),
      ncc,
      template,
      extent: undefined,
      occlusion: { limit: 0.4 },
    },
    weights: { name: 'none', hash: '0', depthHash: null, epe: null },
    depthSource: 'network',
    refinement: 'none',
    extent: 'mesh',
    adapter: 'none',
    warnings: [],
  } as const
  return deriveResult(outputs, facts, () => ({ flow: 1 }))
}

describe('a result whose maps are computed when they are read', () => {
  it('computes none before, and each once', () => {
    const result = derive()
    const isComputed = (name: string) => Object.getOwnPropertyDescriptor(result, name)?.get === undefined
    const maps = [
      'expressionFlow',
      'warpedB',
      'residual',
      'occlusion',
      'confidence',
      'pncc',
      'occlusionProbability',
    ]
    expect(maps.filter(isComputed)).toEqual([])
    for (const name of ['warpedB', 'occlusion'] as const) expect(result[name]).toBe(result[name])
    expect(maps.filter(isComputed)).toEqual(['warpedB', 'occlusion'])
  })

  it('is a plain object to copies, JSON and structured clones', () => {
    const [read, spread, cloned, json] = [derive(), { ...derive() }, structuredClone(derive()), derive()]
    const names = Object.keys(read) as (keyof RegisteredFlowResult)[]
    expect(names).toContain('confidence')
    for (const copy of [spread, cloned]) {
      expect(Object.keys(copy).sort()).toEqual([...names].sort())
      for (const name of names) {
        expect(Object.getOwnPropertyDescriptor(copy, name)).toHaveProperty('value')
        expect(isDeepStrictEqual(copy[name], read[name]), name).toBe(true)
      }
    }
    const parsed = JSON.parse(JSON.stringify(json)) as RegisteredFlowResult
    expect(parsed.photometric).toEqual(read.photometric)
    expect(Object.values(parsed.residual).length).toBe(read.residual.length)
  })

  it('keeps maps apart: what the caller does to one changes no other', () => {
    const [read, changed] = [derive(), derive()]
    const values = (result: RegisteredFlowResult) => [
      result.expressionFlow,
      result.warpedB.data,
      result.residual,
      result.occlusion,
      result.confidence,
      result.pncc,
    ]
    const expected = values(read)
    changed.flow.fill(3)
    changed.mask.fill(0)
    changed.depth.fill(9)
    changed.backwardFlow?.fill(9)
    changed.registeredA.data.fill(0)
    changed.registeredB.data.fill(0)
    changed.triangles.fill(0)
    changed.warpedB.data.fill(0)
    for (const [i, map] of values(changed).entries()) {
      if (i !== 1) expect(isDeepStrictEqual(map, expected[i]), `map ${i}`).toBe(true)
    }
  })

  it('colours the PNCC by the corners of the triangle', () => {
    const { pncc, mask } = derive()
    const pixel = 112 * N + 112
    expect(mask[pixel]).toBe(1)
    const corners = [0, 1, 2].map(
      (corner) => triangles[3 * (pixel % (triangles.length / 3)) + corner] as number,
    )
    for (let axis = 0; axis < 3; axis++) {
      const [a, b, c] = corners.map((vertex) => ncc[3 * vertex + axis] as number) as [number, number, number]
      expect(pncc[3 * pixel + axis]).toBeCloseTo(0.25 * a + 0.5 * b + 0.25 * c, 6)
    }
    expect(pncc.slice(0, 3)).toEqual(new Float32Array(3))
  })
})
