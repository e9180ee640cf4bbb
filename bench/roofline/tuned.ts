import type { Graph } from '../../src/graph/graph.js'
import { LAYER_NODE, type TunableLayer, tunableLayers } from '../../src/runtime/tunable.js'
import type { FamilyResult } from '../gpu-compile/compile.js'
import { formatTable } from '../lib/table.js'
import { DISPATCH_US, type Gpu } from './gpus.js'
import { model } from './model.js'
import { planWork, type StepWork } from './plan-work.js'

/** A layer whose kernels the model ranks. */
export interface ModelledLayer {
  readonly key: string
  readonly nodes: readonly string[]
  readonly byDefault: string
  readonly best: string
  /** Modelled milliseconds of one execution by variant, the quickest first. */
  readonly ms: Readonly<Record<string, number>>
}

/** What autotuning would choose and gain on a GPU if the model were right. */
export interface ModelledTuning {
  readonly gpu: string
  readonly network: string
  readonly layers: readonly ModelledLayer[]
  /** Of the whole plan. */
  readonly defaultMs: number
  readonly tunedMs: number
}

/** Models every candidate of every distinct layer, and the plans with the defaults and with the best of them. */
export function modelTuning(
  graph: Graph,
  network: string,
  family: FamilyResult,
  storage: 'f32' | 'f16',
  gpu: Gpu,
): ModelledTuning {
  const msOf = (steps: readonly StepWork[]): number =>
    steps.reduce((total, step) => total + model(step, gpu, DISPATCH_US[gpu.kind]).ms, 0)
  const rank = (layer: TunableLayer): ModelledLayer => {
    const costs = layer.candidates.map((name) => {
      const forced = { variants: { [LAYER_NODE]: name }, node: LAYER_NODE }
      return [name, msOf(planWork(layer.graph, network, family, storage, forced))] as const
    })
    costs.sort((a, b) => a[1] - b[1])
    const { key, nodes, chosen } = layer
    return { key, nodes, byDefault: chosen, best: costs[0]?.[0] ?? chosen, ms: Object.fromEntries(costs) }
  }
  const layers = tunableLayers(graph, family.caps, { schedule: 'hardware', storage }).map(rank)
  const choices = Object.fromEntries(layers.map(({ key, best }) => [key, best]))
  return {
    gpu: gpu.name,
    network,
    layers,
    defaultMs: msOf(planWork(graph, network, family, storage)),
    tunedMs: msOf(planWork(graph, network, family, storage, { choices })),
  }
}

/** Layers that are worth a line: those that gain, and those that take long and have Winograd to compare. */
const SMALLEST_SHARE = 0.01

export interface TuningTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | undefined)[])[]
}

export function tuningTable({ gpu, network, layers, defaultMs, tunedMs }: ModelledTuning): TuningTable {
  const rows = layers.flatMap(({ nodes, byDefault, best, ms }) => {
    const [before = 0, after = 0] = [ms[byDefault], ms[best]]
    const winograd = Object.entries(ms).find(([name]) => name.startsWith('winograd'))
    const other = Object.entries(ms).find(([name]) => !name.startsWith('winograd'))
    const weight = nodes.length * Math.max(before - after, winograd === undefined ? 0 : before)
    if (weight < SMALLEST_SHARE * defaultMs) return []
    const [first = ''] = nodes
    const name = nodes.length > 1 ? `${first} and ${nodes.length - 1} more` : first
    return [[name, byDefault, before, best, after, winograd?.[1], other?.[1]]]
  })
  return {
    title: `Kernels that autotuning could choose on "${gpu}", ${network}: ${defaultMs.toFixed(2)} ms by default, ${tunedMs.toFixed(2)} ms with the best of each layer`,
    columns: ['layer', 'default', 'ms', 'best', 'ms', 'best Winograd, ms', 'best other, ms'],
    rows,
  }
}

export function describeTuning(tuning: ModelledTuning): string {
  const { title, columns, rows } = tuningTable(tuning)
  return `\n${title}\n${formatTable(columns, rows)}`
}
