import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadNetworkFiles, registeredFlow, registeredFlowConfig } from '../../src/engine.js'
import { type Graph, GraphBuilder, type GraphNode } from '../../src/graph/graph.js'
import { isSlice } from '../../src/graph/op.js'
import { place } from '../../src/graph/placement.js'
import { loweredGraph, planGraph } from '../../src/graph/plan.js'
import { storageAt } from '../../src/graph/storage.js'
import { conv2d } from '../../src/ops/conv/conv2d.js'
import { warp } from '../../src/ops/flow/warp.js'
import { resize } from '../../src/ops/image/resize.js'
import { rasterise } from '../../src/ops/mesh/rasterise.js'
import { relu } from '../../src/ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { concat } from '../../src/ops/tensor/concat.js'
import { add } from '../../src/ops/tensor/elementwise.js'
import { fakeCaps } from './caps.js'
import { buildRandomGraph, recipes } from './random-graph.js'

const conv3 = { kernel: 3, stride: 1, padding: 1 } as const

/** Element type of each node's result in a plan of f16 storage. */
function storages(graph: Graph): Record<string, string | undefined> {
  const lowered = loweredGraph(graph, 'f16')
  return Object.fromEntries(lowered.nodes.map((node) => [node.name, storageAt(lowered.types, node.output)]))
}

describe('what stays f32 in a plan of f16 storage', () => {
  it('is what an op takes for coordinates, from the layer that computes it on', () => {
    const graph = new GraphBuilder('matching')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 8 })
    const coarse = conv2d(graph, 'predict', x, { ...conv3, weight: 'p', outChannels: 2 })
    const flow = resize(graph, 'larger', coarse, { mode: 'bilinear', height: 8, width: 8 })
    const features = inputTensor(graph, 'features', { n: 1, h: 8, w: 8, c: 8 })
    const moved = warp(graph, 'moved', features, flow, { scale: 1, border: 'zero' })
    outputTensor(graph, 'y', relu(graph, 'act', moved))
    expect(storages(graph.build())).toMatchObject({
      'x:pack': 'f16',
      predict: 'f32',
      larger: 'f32',
      'features:pack': 'f16',
      moved: 'f16',
    })
  })

  it('covers vertices that a caller hands in, and what is made of them', () => {
    const graph = new GraphBuilder('raster')
    const mesh = inputTensor(graph, 'mesh', { n: 1, h: 1, w: 3, c: 3 })
    const triangles = Uint32Array.of(0, 1, 2)
    outputTensor(graph, 'y', rasterise(graph, 'faces', mesh, { width: 8, height: 8, triangles }))
    expect(storages(graph.build())).toMatchObject({ 'mesh:pack': 'f32', faces: 'f32' })
  })

  it('is converted where a reader stores the other type, once for all readers', () => {
    const graph = new GraphBuilder('two types')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 4 })
    const precise = graph.precise(() =>
      conv2d(graph, 'precise', x, { ...conv3, weight: 'w', outChannels: 4 }),
    )
    outputTensor(graph, 'a', add(graph, 'first', precise, x))
    outputTensor(graph, 'b', add(graph, 'second', precise, x))
    const plan = planGraph(graph.build(), fakeCaps({ f16: true }), { storage: 'f16' })
    expect(plan.steps.filter((step) => step.op === 'convertStorage').map((step) => step.name)).toEqual([
      'first/convertStorage',
    ])
    expect(plan.steps.find((step) => step.name === 'precise')?.params).toMatchObject({
      F16: false,
      LOADED_F16: true,
    })
  })

  it('is rounded where it is computed if only a concatenation of f16 reads it: no copy', () => {
    const graph = new GraphBuilder('decoder')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 4 })
    const flow = graph.precise(() => conv2d(graph, 'flow', x, { ...conv3, weight: 'w', outChannels: 2 }))
    const enlarged = resize(graph, 'enlarged', flow, { mode: 'bilinear', height: 8, width: 8 })
    const features = inputTensor(graph, 'features', { n: 1, h: 8, w: 8, c: 4 })
    outputTensor(graph, 'y', concat(graph, 'joined', [features, enlarged]))
    const built = graph.build()
    expect(storages(built)).toMatchObject({ flow: 'f32', enlarged: 'f16', joined: 'f16' })
    const plan = planGraph(built, fakeCaps({ f16: true }), { storage: 'f16' })
    expect(plan.steps.map((step) => step.op)).not.toContain('concat')
  })

  it('counts its own bytes in slots, steps and the ranges of the finite check', () => {
    const bytesOf = (isPrecise: boolean) => {
      const graph = new GraphBuilder('bytes')
      const x = inputTensor(graph, 'x', { n: 1, h: 16, w: 16, c: 4 })
      const build = () => conv2d(graph, 'conv', x, { ...conv3, weight: 'w', outChannels: 4 })
      outputTensor(graph, 'y', isPrecise ? graph.precise(build) : build())
      const plan = planGraph(graph.build(), fakeCaps({ f16: true }), { storage: 'f16' })
      const conv = plan.steps.find((step) => step.name === 'conv')
      return { slots: plan.slotBytes, step: conv?.bytes, range: conv?.writesFloats[0]?.storage }
    }
    const half = 16 * 16 * 8
    expect(bytesOf(false)).toEqual({ slots: [half, half], step: 2 * half, range: 'f16' })
    expect(bytesOf(true)).toEqual({ slots: [2 * half, half], step: 3 * half, range: 'f32' })
  })

  it('is told apart in no plan of f32 storage', () => {
    const graph = new GraphBuilder('plain')
    const x = inputTensor(graph, 'x', { n: 1, h: 4, w: 4, c: 4 })
    const y = graph.precise(() => conv2d(graph, 'conv', x, { ...conv3, weight: 'w', outChannels: 4 }))
    outputTensor(graph, 'y', relu(graph, 'act', y))
    const plan = planGraph(graph.build(), fakeCaps(), { storage: 'f32' })
    expect(plan.steps.map((step) => step.op)).toEqual(['pack', 'conv2d', 'unpack'])
    expect(plan.steps[1]?.params).toMatchObject({ F16: false, LOADED_F16: false })
  })

  it('is the mesh network, positions, flows and depth of the shipped pair; DFFNet and images are f16', async () => {
    const graph = new GraphBuilder('pair')
    const config = registeredFlowConfig(await loadNetworkFiles('dffnet-m'))
    outputTensor(graph, 'flow', registeredFlow(graph, config).flow)
    const plan = planGraph(graph.build(), fakeCaps({ f16: true }), { storage: 'f16' })
    const halves = (of: (name: string) => boolean) =>
      plan.steps.filter(({ name, params }) => of(name) && params.F16 === true).map(({ name }) => name)
    const positions =
      /^(meshes|fragments|attributes|mask|flow|refined flow|depth from motion|predict|depth\.4)/
    expect(halves((name) => positions.test(name) && !name.startsWith('flow up'))).toEqual([])
    const features = /^(images|encoding|conv\d|pncc\d|corr|redir|up\.|match\.|warped)/
    const wrong = plan.steps.filter(({ name, params }) => features.test(name) && params.F16 === false)
    expect(wrong.map(({ name }) => name)).toEqual([])
  })
})

/** Inputs of a node that its kernels read as another type than they are stored in. */
function misread(graph: Graph, node: GraphNode): number[] {
  const { loads = [], structural } = node.definition
  const stored = node.inputs.map((id) => storageAt(graph.types, id))
  if (isSlice(node.definition)) return stored[0] === storageAt(graph.types, node.output) ? [] : [0]
  if (structural !== undefined) return []
  const own = storageAt(graph.types, node.output) ?? stored[0]
  const loaded = stored[loads[0] ?? -1]
  return stored.flatMap((storage, i) =>
    storage === undefined || storage === (loads.includes(i) ? loaded : own) ? [] : [i],
  )
}

it('every kernel of 300 random graphs reads what is stored, and no buffer holds two types', () => {
  let mixed = 0
  fc.assert(
    fc.property(recipes, (recipe) => {
      for (const optimise of [true, false]) {
        const graph = loweredGraph(buildRandomGraph(recipe), 'f16', optimise)
        for (const node of graph.nodes) expect(misread(graph, node), node.name).toEqual([])
        const placement = place(graph, optimise)
        const types = new Map<number, Set<string>>()
        for (const node of graph.nodes) {
          const storage = storageAt(graph.types, node.output)
          if (storage === undefined) continue
          const slot = placement.storageOf(node.output)
          types.set(slot, (types.get(slot) ?? new Set()).add(storage))
        }
        for (const held of types.values()) expect(held.size).toBe(1)
        if (new Set([...types.values()].flatMap((held) => [...held])).size > 1) mixed++
      }
    }),
    { numRuns: 300, seed: 20200613 },
  )
  expect(mixed).toBeGreaterThan(200)
})
