import { EngineError } from '../errors.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import type { AdapterCaps } from '../platform/caps.js'
import { fuse } from './fuse.js'
import type { Graph, GraphNode, ValueId } from './graph.js'
import { legalise } from './legalise.js'
import { type Lowered, type LowerOptions, lower, typeOf } from './lower.js'
import { assignSlots, type Tenant } from './memory.js'
import type { KernelCall, Operand, PackedData, Schedule, WeightSource } from './op.js'
import { type Placement, place } from './placement.js'
import { prune } from './prune.js'
import { assignStorage } from './storage.js'
import { channelsOf, describeType, planesOf, type Storage, vec4Bytes, vec4sPerBatch } from './tensor.js'

/** How a graph becomes a plan. */
export interface PlanOptions {
  /** Element type of tensors and weights in memory. Sums are always f32, and so are places and displacements in pixels. Default f32. */
  readonly storage?: Storage
  /** Default: by the adapter. */
  readonly schedule?: Schedule
  /** Forced kernel variants by node name (tests, benchmarks). */
  readonly variants?: Readonly<Record<string, string>>
  /** Variants by key of a `KernelChoice`, as autotuning finds them. `variants` come first; what does not fit is ignored. */
  readonly choices?: Readonly<Record<string, string>>
  /** false: no fusion, no sharing of memory; the reference that the optimised plan is tested against. */
  readonly optimise?: boolean
}

/** Their names. */
export const PLAN_OPTIONS: OptionNames<PlanOptions> = {
  storage: true,
  schedule: true,
  variants: true,
  choices: true,
  optimise: true,
}

/** Where an operand of a step lives. */
export type Location =
  | { readonly kind: 'slot'; readonly slot: number }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'output'; readonly name: string }
  | { readonly kind: 'packed'; readonly key: string }

/** Placement of a tensor as kernels see it: the `View` struct of kernels/include/layout.wgsl. */
export type ViewFields = Readonly<Record<string, number>>

/** Scalars of a tensor or of a float32 output buffer. */
export interface FloatRange {
  readonly at: Location
  readonly storage: Storage
  readonly start: number
  readonly count: number
}

/** One dispatch of a plan. */
export interface Step {
  /** Node that the step belongs to; a node of several steps numbers them. */
  readonly name: string
  readonly op: string
  readonly kernel: string
  /** Of a kernel from outside of the package. */
  readonly code?: string
  readonly variant: string
  readonly params: KernelCall['params']
  readonly uniforms: Readonly<Record<string, number | readonly number[] | ViewFields>>
  readonly bindings: Readonly<Record<string, Location>>
  readonly workgroups: readonly [number, number, number]
  readonly shapes: string
  /** What the kernel call states; else the node's, on its last step, so that sums over steps are right. */
  readonly flops: number
  /** Bytes of the tensors and raw buffers that the step reads and writes, once each; weights apart. */
  readonly bytes: number
  /** Ranges of floats that the step writes, for the finite check; counted in scalars. */
  readonly writesFloats: readonly FloatRange[]
  /** Outputs that depend on the step. */
  readonly serves: readonly string[]
}

/** A plan as data: steps in order, and the buffers they need. What {@link planGraph} gives. */
export interface PlanSpec {
  readonly name: string
  readonly storage: Storage
  readonly schedule: Schedule
  readonly steps: readonly Step[]
  readonly slotBytes: readonly number[]
  readonly inputs: ReadonlyMap<string, { readonly bytes: number; readonly contents: string }>
  readonly outputs: ReadonlyMap<string, { readonly bytes: number; readonly contents: string }>
  readonly packed: ReadonlyMap<string, (weights: WeightSource) => PackedData>
}

/**
 * Graph -> flat step list. Pure: needs the adapter's capabilities, not the adapter.
 * @throws EngineError UNSUPPORTED where f16 storage is asked of an adapter that lacks it; INVALID_ARGUMENT for what is no
 * graph, unknown options and variants of nodes that do not exist
 */
export function planGraph(graph: Graph, caps: AdapterCaps, options: PlanOptions = {}): PlanSpec {
  checkOptionNames('planGraph()', options, PLAN_OPTIONS, EngineError)
  checkPlanArguments(graph, options)
  const optimise = options.optimise ?? true
  const lowerOptions = lowerOptionsOf(graph, caps, options)
  const legal = loweredGraph(graph, lowerOptions.storage, optimise)
  const placement = place(legal, optimise)
  const lowered = lower(legal, placement, lowerOptions)
  return allocate(legal, placement, lowered, { ...lowerOptions, optimise })
}

/** The graph that is lowered: nodes fused, tensors in their storage, and what kernels cannot read copied. Pure. */
export function loweredGraph(graph: Graph, storage: Storage, optimise = true): Graph {
  const stored = assignStorage(optimise ? prune(graph) : graph, storage)
  return legalise(optimise ? fuse(stored) : stored)
}

/** The schedule of a plan: the one asked for, else the adapter's. */
export function scheduleFor(caps: AdapterCaps, options: Pick<PlanOptions, 'schedule'>): Schedule {
  return options.schedule ?? (caps.software ? 'software' : 'hardware')
}

/** Options with their defaults. @throws as `planGraph` */
export function lowerOptionsOf(graph: Graph, caps: AdapterCaps, options: PlanOptions): LowerOptions {
  const storage = options.storage ?? 'f32'
  if (storage === 'f16' && !caps.f16) {
    throw new EngineError(
      'UNSUPPORTED',
      `adapter "${caps.name}" has no shader-f16; compile "${graph.name}" with storage "f32"`,
    )
  }
  checkVariantNames(graph, options.variants)
  return {
    caps,
    storage,
    schedule: scheduleFor(caps, options),
    variants: options.variants ?? {},
    choices: options.choices ?? {},
  }
}

function allocate(
  graph: Graph,
  placement: Placement,
  lowered: Lowered,
  options: { storage: Storage; schedule: Schedule; optimise: boolean },
): PlanSpec {
  const inputNames = new Map(graph.inputs.map((input) => [input.value, input.name]))
  const outputNames = new Map(graph.outputs.map((output) => [output.value, output.name]))

  // Tenants of slots: storages of tensors, raw values in between, scratch. Inputs and outputs have their own buffers.
  const lifetimes = new Map<string, { bytes: number; first: number; last: number }>()
  const keyOf = (operand: Operand): string | undefined => {
    switch (operand.kind) {
      case 'packed':
        return undefined
      case 'scratch':
        return `scratch ${operand.id}`
      case 'value':
        if (inputNames.has(operand.id) || outputNames.has(operand.id)) return undefined
        return `storage ${placement.storageOf(operand.id)}`
      default:
        return operand satisfies never
    }
  }
  const bytesOf = (operand: Operand): number => {
    if (operand.kind === 'packed') return 0
    if (operand.type.kind === 'raw') return operand.type.bytes
    const vec4s =
      operand.kind === 'value'
        ? placement.storageSize(placement.storageOf(operand.id))
        : operand.type.n * vec4sPerBatch(operand.type)
    return vec4s * vec4Bytes(operand.type)
  }
  lowered.calls.forEach(({ call }, step) => {
    for (const operand of Object.values(call.bindings)) {
      const key = keyOf(operand)
      if (key === undefined) continue
      const known = lifetimes.get(key)
      if (known === undefined) lifetimes.set(key, { bytes: bytesOf(operand), first: step, last: step })
      else known.last = step
    }
  })
  const keys = [...lifetimes.keys()]
  const tenants = [...lifetimes.values()] as Tenant[]
  const slots = assignSlots(tenants, options.optimise)
  const slotOfKey = new Map(keys.map((key, index) => [key, slots.slotOf[index] as number]))

  const packed = new Map<string, (weights: WeightSource) => PackedData>()
  const locate = (operand: Operand): Location => {
    if (operand.kind === 'packed') {
      packed.set(operand.key, operand.pack)
      return { kind: 'packed', key: operand.key }
    }
    if (operand.kind === 'value') {
      const input = inputNames.get(operand.id)
      if (input !== undefined) return { kind: 'input', name: input }
      const output = outputNames.get(operand.id)
      if (output !== undefined) return { kind: 'output', name: output }
    }
    return { kind: 'slot', slot: slotOfKey.get(keyOf(operand) as string) as number }
  }
  const viewFields = (operand: Operand): ViewFields => {
    if (operand.kind === 'packed' || operand.type.kind !== 'tensor') {
      throw new TypeError('only tensors have a view')
    }
    const { type } = operand
    const at =
      operand.kind === 'value'
        ? placement.locate(operand.id)
        : { offset: 0, batchStride: vec4sPerBatch(type) }
    return {
      offset: at.offset,
      batchStride: at.batchStride,
      width: type.w,
      height: type.h,
      planes: planesOf(type),
      channels: channelsOf(type),
      batches: type.n,
      reserved: 0,
    }
  }

  const nodesBehind = graph.outputs.map((output): readonly [string, ReadonlySet<GraphNode>] => [
    output.name,
    new Set(prune({ ...graph, outputs: [output] }).nodes),
  ])
  const steps = lowered.calls.map(({ node, call, name, flops, shapes }): Step => {
    const uniforms = Object.entries(call.uniforms).map(([field, value]) => [
      field,
      typeof value === 'object' && 'viewOf' in value ? viewFields(value.viewOf) : value,
    ])
    const outputs = Object.values(call.bindings).filter(
      (operand) => operand.kind === 'scratch' || (operand.kind === 'value' && operand.id === node.output),
    )
    return {
      name,
      op: node.definition.kind,
      kernel: call.kernel,
      ...(call.code !== undefined && { code: call.code }),
      variant: call.variant,
      params: call.params,
      uniforms: Object.fromEntries(uniforms),
      bindings: Object.fromEntries(
        Object.entries(call.bindings).map(([variable, operand]) => [variable, locate(operand)]),
      ),
      workgroups: call.workgroups,
      shapes,
      flops,
      bytes: Object.values(call.bindings).reduce((sum, o) => sum + operandBytes(o), 0),
      writesFloats: outputs.flatMap((operand) => floatRanges(operand, viewFields, locate)),
      serves: nodesBehind.flatMap(([output, nodes]) => (nodes.has(node) ? [output] : [])),
    }
  })
  const border = (list: readonly { name: string; value: ValueId }[]) =>
    new Map(
      list.map(({ name, value }) => {
        const type = typeOf(graph, value)
        return [name, { bytes: type.kind === 'raw' ? type.bytes : 0, contents: describeType(type) }]
      }),
    )
  return {
    name: graph.name,
    storage: options.storage,
    schedule: options.schedule,
    steps,
    slotBytes: slots.slotBytes,
    inputs: border(graph.inputs),
    outputs: border(graph.outputs),
    packed,
  }
}

function floatRanges(
  operand: Operand,
  viewFields: (operand: Operand) => ViewFields,
  locate: (operand: Operand) => Location,
): FloatRange[] {
  if (operand.kind === 'packed') return []
  const at = locate(operand)
  const { type } = operand
  if (type.kind === 'raw') {
    return type.contents.startsWith('f32') ? [{ at, storage: 'f32', start: 0, count: type.bytes / 4 }] : []
  }
  const { offset = 0, batchStride = 0 } = viewFields(operand)
  const { storage = 'f32' } = type
  const count = vec4sPerBatch(type) * 4
  if (type.n === 1 || batchStride * 4 === count) {
    return [{ at, storage, start: offset * 4, count: type.n * count }]
  }
  return Array.from({ length: type.n }, (_, n) => ({
    at,
    storage,
    start: (offset + n * batchStride) * 4,
    count,
  }))
}

function operandBytes(operand: Operand): number {
  if (operand.kind === 'packed') return 0
  if (operand.type.kind === 'raw') return operand.type.bytes
  return operand.type.n * vec4sPerBatch(operand.type) * vec4Bytes(operand.type)
}

function checkVariantNames(graph: Graph, variants: PlanOptions['variants']): void {
  const names = new Set(graph.nodes.map((node) => node.name))
  for (const name of Object.keys(variants ?? {})) {
    if (!names.has(name)) {
      throw new EngineError('INVALID_ARGUMENT', `variants: graph "${graph.name}" has no node "${name}"`)
    }
  }
}

/** Callers in JavaScript may pass anything. @throws EngineError INVALID_ARGUMENT */
export function checkPlanArguments(graph: Graph, options: PlanOptions): void {
  const fail = (problem: string): never => {
    throw new EngineError('INVALID_ARGUMENT', problem)
  }
  const lists = [graph?.nodes, graph?.types, graph?.inputs, graph?.outputs]
  if (!lists.every(Array.isArray)) fail('a graph is what build() of a GraphBuilder gives')
  const { storage, schedule, optimise, variants, choices } = options
  const known = { storage: ['f32', 'f16'], schedule: ['software', 'hardware'], optimise: [true, false] }
  for (const [name, value] of Object.entries({ storage, schedule, optimise })) {
    const values: readonly unknown[] = known[name as keyof typeof known]
    if (value !== undefined && !values.includes(value))
      fail(`${name} is ${values.join(' or ')}, got ${String(value)}`)
  }
  for (const [name, table] of Object.entries({ variants, choices })) {
    if (table === undefined) continue
    const isTable = typeof table === 'object' && table !== null && !Array.isArray(table)
    if (!isTable || Object.values(table).some((variant) => typeof variant !== 'string')) {
      fail(`${name} are names of kernel variants by node or key, got ${String(table)}`)
    }
  }
}
