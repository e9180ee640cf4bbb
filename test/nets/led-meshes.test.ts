import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles, type NetworkFiles } from '../../src/face/network-files.js'
import { leadShares } from '../../src/face/register/lead-shares.js'
import { registeredFlowConfig, registeredFlowWeights } from '../../src/face/registered-pair.js'
import { MESH_VERTICES, TEMPLATE_SIZE } from '../../src/geometry/types.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { decodePhoto } from '../../src/index.js'
import { REGISTERED_INPUTS, registeredFlows, registeredInputNames } from '../../src/nets/registered-flow.js'
import { registeredRoiTransform } from '../../src/nets/registered-meshes.js'
import { packImageTransform } from '../../src/ops/image/image-input.js'
import { GOAL_NUMBERS } from '../../src/ops/mesh/lead-vertices.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'

/** Two pairs with their second frame in common, so that meshes are repeated; goals are those of A 0, A 1, B 0, B 1. */
const BATCH = 2
const GOALS = MESH_VERTICES * GOAL_NUMBERS
const PIXELS = TEMPLATE_SIZE ** 2
const CHIN = 152

let engine: Engine
let frames: readonly Uint8Array[]
beforeAll(async () => {
  engine = await Engine.open()
  const names = ['pair0-1.png', 'pair1-1.png', 'pair0-2.png']
  frames = await Promise.all(
    names.map(async (name) => {
      const photo = await decodePhoto(join(import.meta.dirname, '..', 'fixtures', 'dffnet', name))
      return new Uint8Array(photo.data)
    }),
  )
})
afterAll(() => engine.dispose())

type Outputs = Record<string, Float32Array>

/** Runs the graph, once for each of the goals; undefined: built without them. */
async function flowsOf(files: NetworkFiles, ...goals: readonly (Float32Array | undefined)[]) {
  const layout = { batch: BATCH, sharedSecond: true, lead: goals[0] !== undefined }
  const config = { ...registeredFlowConfig(files, 'none'), ...layout }
  const graph = new GraphBuilder('led meshes')
  const { forward, backward } = registeredFlows(graph, config)
  outputTensor(graph, 'fragments', forward.fragments)
  outputTensor(graph, 'flow', forward.flow)
  outputTensor(graph, 'meshes', forward.meshes)
  outputTensor(graph, 'backwardMask', backward.mask)
  const plan = await engine.compile(graph.build(), { weights: registeredFlowWeights(files) })
  const inputs = registeredInputNames(BATCH, true).flatMap(({ i1, i2 }, pair) => [
    [i1, frames[pair]],
    [i2, frames[2]],
  ])
  const roi = packImageTransform(registeredRoiTransform(config))
  const results: Outputs[] = []
  for (const own of goals) {
    const led = own && { [REGISTERED_INPUTS.goals]: own }
    results.push((await plan.compute({ ...Object.fromEntries(inputs), roi, ...led })) as Outputs)
  }
  plan.dispose()
  return results
}

/** Goals that take the face of one list so many px down, as the shares say: most at the chin, the forehead not at all. */
function down(files: NetworkFiles, meshes: Float32Array, list: number, px: number): Float32Array {
  const goals = new Float32Array(2 * BATCH * GOALS)
  // Without the mesh prior meshes are of A alone, and B's stand where A's of the other pair are.
  const mesh = meshes.subarray((list % (meshes.length / 3 / MESH_VERTICES)) * MESH_VERTICES * 3)
  for (const [v, share] of leadShares(files.triangles).entries()) {
    const place = [mesh[3 * v] as number, (mesh[3 * v + 1] as number) + px, share]
    goals.set(place, list * GOALS + v * GOAL_NUMBERS)
  }
  return goals
}

/** Of the mesh, without the ring about it. */
const maskOf = (fragments: Float32Array, pair: number, triangles: number): boolean[] =>
  Array.from({ length: PIXELS }, (_, i) => {
    const triangle = fragments[4 * (pair * PIXELS + i) + 3] as number
    return triangle >= 0 && triangle < triangles
  })
const half = (values: Float32Array, pair: number): Float32Array =>
  values.subarray((pair * values.length) / BATCH, ((pair + 1) * values.length) / BATCH)

describe.each(['dffnet-m-small', 'weights/dffnet.safetensors'])('meshes led by landmarks: %s', (network) => {
  it('are drawn where goals have them; others, and what the networks look up by meshes, stay to the bit', async () => {
    const files = await loadNetworkFiles(network)
    const [unled] = (await flowsOf(files, undefined)) as [Outputs]
    // Goals that no vertex goes to, share 0, may be anything.
    const none = new Float32Array(2 * BATCH * GOALS).map((_, i) => (i % GOAL_NUMBERS < 2 ? Number.NaN : 0))
    const meshes = unled.meshes as Float32Array
    const chin = down(files, meshes, 1, 6)
    const [still, led] = (await flowsOf(files, none, chin)) as [Outputs, Outputs]
    expect(still).toEqual(unled)

    expect(led.meshes).toEqual(meshes)
    for (const name of ['fragments', 'flow']) {
      expect(half(led[name] as Float32Array, 0), name).toEqual(half(unled[name] as Float32Array, 0))
    }
    const triangles = files.triangles.length / 3
    const [before, after] = [
      maskOf(unled.fragments as Float32Array, 1, triangles),
      maskOf(led.fragments as Float32Array, 1, triangles),
    ]
    const column = Math.round(meshes[3 * (MESH_VERTICES + CHIN)] as number)
    const lowest = (mask: boolean[]) =>
      mask.reduce((y, on, i) => (on && i % TEMPLATE_SIZE === column ? Math.floor(i / TEMPLATE_SIZE) : y), 0)
    expect(Math.abs(lowest(after) - lowest(before) - 6)).toBeLessThanOrEqual(1)
    // The forehead keeps still.
    const rows = (mask: boolean[]) => mask.slice(0, 40 * TEMPLATE_SIZE)
    expect(rows(after)).toEqual(rows(before))
    expect(led.backwardMask).toEqual(unled.backwardMask)
  }, 300_000)
})
