import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles, type NetworkFiles } from '../../src/face/network-files.js'
import { registeredFlowConfig, registeredFlowWeights } from '../../src/face/registered-pair.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { EXTENT_WEIGHT, extendedRows } from '../../src/nets/face-extent.js'
import { REGISTERED_INPUTS, registeredFlow } from '../../src/nets/registered-flow.js'
import { registeredRoiTransform } from '../../src/nets/registered-meshes.js'
import { packImageTransform } from '../../src/ops/image/image-input.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { maskOf } from '../../src/products/fragments.js'
import { Engine } from '../../src/runtime/engine.js'
import { seededRandom } from '../random.js'

const N = 224
const MESH_TRIANGLES = 898

let files: NetworkFiles
beforeAll(async () => {
  files = await loadNetworkFiles('dffnet-m-small')
})

function tableOf({ extent }: NetworkFiles): Float32Array {
  if (extent === undefined) throw new TypeError('the package has no table')
  return extent.weights.tensor(EXTENT_WEIGHT, [extent.config.added, 468])
}

describe('the table of the face beyond the mesh', () => {
  it('has rows that add up to 1: added vertices turn, shift and scale with the mesh', () => {
    const table = tableOf(files)
    const random = seededRandom('mesh')
    const mesh = Float32Array.from({ length: 468 * 3 }, () => 200 * random())
    const affine = (points: Float32Array) =>
      points.map((_, i) => {
        const [x, y, z] = points.subarray(i - (i % 3), i - (i % 3) + 3) as unknown as [number, number, number]
        return [0.8 * x - 0.6 * y + 9, 0.6 * x + 0.8 * y - 30, 1.5 * z + 4][i % 3] as number
      })
    const [first, second] = [affine(extendedRows(mesh, table, 3)), extendedRows(affine(mesh), table, 3)]
    expect(Math.max(...first.map((v, i) => Math.abs(v - (second[i] as number))))).toBeLessThan(0.05)
  })

  it('reaches above the brows, below the chin and to both sides of the canonical face', () => {
    const { ncc } = files.extent as NonNullable<NetworkFiles['extent']>
    const reach = (rows: Float32Array) =>
      [0, 1].map((axis) => {
        const values = rows.filter((_, i) => i % 3 === axis)
        return [Math.min(...values), Math.max(...values)] as const
      })
    const [[left, right], [top, bottom]] = reach(ncc) as [[number, number], [number, number]]
    const [[meshLeft, meshRight], [meshTop, meshBottom]] = reach(files.ncc) as typeof ncc &
      [[number, number], [number, number]]
    expect(top).toBeLessThan(meshTop - 0.1)
    expect(bottom).toBeGreaterThan(meshBottom)
    expect(left).toBeLessThan(meshLeft)
    expect(right).toBeGreaterThan(meshRight)
    // Nor far beyond it.
    expect(ncc.every((value) => value > -0.5 && value < 1.5)).toBe(true)
  })
})

describe('a flow that goes on beyond the mesh', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await Engine.open()
  })
  afterAll(() => engine.dispose())

  it('keeps its bits within the mesh but for its rim, and passes into what lies beyond without a step', async () => {
    const config = registeredFlowConfig(files, 'none')
    const run = async ({ extent, ...rest }: typeof config) => {
      const graph = new GraphBuilder('pair')
      const { flow, fragments } = registeredFlow(graph, { ...rest, ...(extent && { extent }) })
      outputTensor(graph, 'flow', flow)
      outputTensor(graph, 'fragments', fragments)
      const plan = await engine.compile(graph.build(), { weights: registeredFlowWeights(files) })
      const frame = async (which: 1 | 2) =>
        (await decodePhoto(`test/fixtures/dffnet/pair0-${which}.png`)).data
      const outputs = await plan.compute({
        [REGISTERED_INPUTS.i1]: await frame(1),
        [REGISTERED_INPUTS.i2]: await frame(2),
        [REGISTERED_INPUTS.roi]: packImageTransform(registeredRoiTransform(config)),
      })
      plan.dispose()
      return outputs as Record<'flow' | 'fragments', Float32Array>
    }
    // Depth from motion sees all of the flow, the smoothed rim too.
    const { depth: _, extent, ...plain } = config
    if (extent === undefined) throw new TypeError('the configuration has no extent')
    const [mesh, face] = [await run(plain), await run({ ...plain, extent })]
    const inner = maskOf(face.fragments, MESH_TRIANGLES)
    const all = maskOf(face.fragments, Number.POSITIVE_INFINITY)
    expect(inner).toEqual(maskOf(mesh.fragments, Number.POSITIVE_INFINITY))
    const count = (mask: Uint8Array) => mask.reduce((sum, on) => sum + on, 0)
    expect(count(all) / count(inner)).toBeGreaterThan(1.15)

    const whole = (mask: Uint8Array, i: number) => {
      for (let y = -3; y <= 3; y++) for (let x = -3; x <= 3; x++) if (mask[i + y * N + x] !== 1) return false
      return true
    }
    let [compared, steepest] = [0, 0]
    for (let i = 3 * N + 3; i < N * N - 3 * N - 3; i++) {
      const at = (flow: Float32Array, pixel: number) => Array.from(flow.subarray(3 * pixel, 3 * pixel + 3))
      if (whole(inner, i)) {
        expect(at(face.flow, i)).toEqual(at(mesh.flow, i))
        compared++
      }
      for (const next of [i + 1, i + N]) {
        if (all[i] === 0 || all[next] === 0 || inner[i] === inner[next]) continue
        const [a, b] = [at(face.flow, i), at(face.flow, next)]
        steepest = Math.max(steepest, Math.hypot(...a.map((v, c) => v - (b[c] as number))))
      }
      if (all[i] === 0) expect(at(face.flow, i)).toEqual([0, 0, 0])
    }
    expect(compared).toBeGreaterThan(10_000)
    expect(steepest).toBeLessThan(1)
  })

  it('is refused where nothing is known of the mesh of B', async () => {
    const { extent, ...rest } = registeredFlowConfig(files)
    const graph = new GraphBuilder('no prior')
    expect(() => registeredFlow(graph, { ...rest, ...(extent && { extent }), meshPrior: false })).toThrow(
      /extent/,
    )
    await expect(loadNetworkFiles('weights/dffnet.safetensors', undefined, {}, 'face')).rejects.toMatchObject(
      {
        code: 'UNSUPPORTED',
      },
    )
    expect((await loadNetworkFiles('weights/dffnet.safetensors')).extent).toBeUndefined()
  })
})
