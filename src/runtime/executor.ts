import { EngineError } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { CompiledKernel, KernelKey } from '../gpu/kernel-cache.js'
import { checkBindings } from '../gpu/shader/reflect.js'
import { packUniform } from '../gpu/shader/uniform.js'
import type { Location, PlanSpec, Step } from '../graph/plan.js'
import { readbackBytes, readbackEntries } from './readback.js'
import type { WeightSet } from './weight-set.js'

interface RecordedStep {
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly workgroups: readonly [number, number, number]
}

/** A part of a buffer: a plan's own are whole ones, a caller's may be slices. */
export interface Region {
  readonly buffer: GPUBuffer
  /** Bytes from the buffer's start. */
  readonly offset: number
  /** Bytes that are bound; absent: all. */
  readonly size?: number
}

/** Device objects of a plan, all made when it is built: running only encodes them. */
export class Executor {
  readonly #owned: GPUBuffer[] = []
  #slots: GPUBuffer[] = []
  readonly #inputs = new Map<string, Region>()
  readonly #outputs = new Map<string, Region>()
  /** Readback buffers that no read is using; each holds all outputs. */
  readonly #staging: GPUBuffer[] = []
  /** Steps that certain outputs need, by the names of these. */
  readonly #needed = new Map<string, readonly number[]>()
  readonly #packed = new Map<string, GPUBuffer>()
  #uniforms: GPUBuffer | undefined
  readonly #uniformOffsets: number[] = []
  readonly #kernels: CompiledKernel[]
  #steps: RecordedStep[] = []
  #disposed = false
  /** True once commands went into an encoder of the caller, who may submit them at any time. */
  #isEncodedElsewhere = false

  private constructor(
    readonly device: EngineDevice,
    readonly spec: PlanSpec,
    readonly weights: WeightSet,
  ) {
    this.#kernels = spec.steps.map((step) => device.kernels.get(kernelOf(step)))
  }

  #allocate(): void {
    const { spec } = this
    this.#slots = spec.slotBytes.map((bytes, slot) => this.#create(`slot ${slot}`, bytes, SLOT_USAGE))
    for (const [name, { bytes }] of spec.inputs) {
      this.#inputs.set(name, { buffer: this.#create(`input ${name}`, bytes, INPUT_USAGE), offset: 0 })
    }
    for (const [name, { bytes }] of spec.outputs) {
      this.#outputs.set(name, { buffer: this.#create(`output ${name}`, bytes, SLOT_USAGE), offset: 0 })
    }
    this.#staging.push(this.makeStaging())
    for (const [key, pack] of spec.packed) this.#packed.set(key, this.weights.acquire(key, pack))
    const uniforms = this.#writeUniforms()
    this.#steps = spec.steps.map((step, index) => this.#record(step, index, uniforms))
    this.#uniforms = uniforms
  }

  /** Compiles the pipelines and makes all buffers and bind groups. Frees what it made if anything fails. */
  static async build(
    device: EngineDevice,
    spec: PlanSpec,
    weights: WeightSet,
    onProgress?: (done: number, total: number) => void,
  ): Promise<Executor> {
    checkLimits(device, spec)
    checkInterfaces(device, spec)
    await device.kernels.compile(
      spec.steps.map((step) => kernelOf(step)),
      onProgress,
    )
    let executor: Executor | undefined
    try {
      return await device.scoped(`plan "${spec.name}"`, () => {
        executor = new Executor(device, spec, weights)
        executor.#allocate()
        return executor
      })
    } catch (error) {
      executor?.dispose()
      throw error
    }
  }

  get stepCount(): number {
    return this.#steps.length
  }

  input(name: string): Region {
    return find(this.#inputs, name, 'input', this.spec.name)
  }

  output(name: string): Region {
    return find(this.#outputs, name, 'output', this.spec.name)
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** A readback buffer with room for all outputs, for the caller alone until it is given back; undefined if all are in use. */
  takeStaging(): GPUBuffer | undefined {
    return this.#staging.pop()
  }

  /** A further one. */
  makeStaging(): GPUBuffer {
    return this.#create('readback', this.#readbackBytes(), STAGING_USAGE)
  }

  #readbackBytes(): number {
    return readbackBytes(readbackEntries(this.spec, [...this.spec.outputs.keys()]))
  }

  /** Takes back an unmapped readback buffer; more than a few are not kept. */
  giveStaging(buffer: GPUBuffer): void {
    if (this.#disposed || this.#staging.length >= MAX_FREE_STAGING) this.#free(buffer)
    else this.#staging.push(buffer)
  }

  /** Replaces the buffer of an input or output; rebuilds the bind groups that name it. The old buffer is left as it is. */
  rebind(kind: 'input' | 'output', name: string, region: Region): void {
    const table = kind === 'input' ? this.#inputs : this.#outputs
    find(table, name, kind, this.spec.name)
    table.set(name, region)
    const uniforms = this.#uniforms as GPUBuffer
    this.#steps = this.#steps.map((recorded, index) =>
      this.#isConcerned(index, kind, name)
        ? this.#record(this.spec.steps[index] as Step, index, uniforms)
        : recorded,
    )
  }

  /** Encodes a pass that names a bound buffer and does nothing: submitted, it shows whether the buffer can be used. */
  encodeProbe(encoder: GPUCommandEncoder, kind: 'input' | 'output', name: string): void {
    const pass = encoder.beginComputePass(PASS)
    for (let i = 0; i < this.#steps.length; i++) {
      if (!this.#isConcerned(i, kind, name)) continue
      pass.setBindGroup(0, (this.#steps[i] as RecordedStep).bindGroup)
      break
    }
    pass.end()
  }

  /**
   * Frees a buffer of the plan's own that another has replaced. Commands that the caller holds may still name it: then it
   * lives as long as the plan.
   */
  retire(buffer: GPUBuffer): void {
    if (!this.#isEncodedElsewhere) this.#free(buffer)
  }

  /** Told before commands go into an encoder of the caller. */
  encodedElsewhere(): void {
    this.#isEncodedElsewhere = true
  }

  /** All steps in a pass of their own. */
  encode(encoder: GPUCommandEncoder): void {
    const pass = encoder.beginComputePass(PASS)
    this.dispatch(pass)
    pass.end()
  }

  /** @param outputs what is to be computed; steps that none of these needs are left out. Default: all */
  dispatch(pass: GPUComputePassEncoder, outputs?: readonly string[]): void {
    const needed = outputs === undefined ? undefined : this.#stepsFor(outputs)
    let pipeline: GPUComputePipeline | undefined
    if (needed !== undefined) for (const index of needed) pipeline = this.#dispatch(pass, index, pipeline)
    else for (let i = 0; i < this.#steps.length; i++) pipeline = this.#dispatch(pass, i, pipeline)
  }

  #stepsFor(outputs: readonly string[]): readonly number[] {
    const key = outputs.join('\n')
    const known = this.#needed.get(key)
    if (known !== undefined) return known
    const indices = this.spec.steps.flatMap(({ serves }, index) =>
      serves.some((output) => outputs.includes(output)) ? [index] : [],
    )
    this.#needed.set(key, indices)
    return indices
  }

  /** One step in a pass of its own, for profiling and the finite check. */
  encodeStep(
    encoder: GPUCommandEncoder,
    index: number,
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void {
    this.encodeSteps(encoder, [index], 1, timestampWrites)
  }

  /** Some steps, several times over, in one pass: for timing what one dispatch is too short for. */
  encodeSteps(
    encoder: GPUCommandEncoder,
    indices: readonly number[],
    repeats: number,
    timestampWrites?: GPUComputePassTimestampWrites,
  ): void {
    const pass = encoder.beginComputePass(timestampWrites === undefined ? PASS : { timestampWrites })
    for (let i = 0; i < repeats; i++) {
      for (const index of indices) this.#dispatch(pass, index)
    }
    pass.end()
  }

  regionAt(location: Location): Region {
    switch (location.kind) {
      case 'slot':
        return { buffer: this.#slots[location.slot] as GPUBuffer, offset: 0 }
      case 'input':
        return this.input(location.name)
      case 'output':
        return this.output(location.name)
      case 'packed':
        return { buffer: this.#packed.get(location.key) as GPUBuffer, offset: 0 }
      default:
        return location satisfies never
    }
  }

  dispose(): void {
    this.#disposed = true
    for (const buffer of this.#owned) this.device.buffers.destroy(buffer)
    this.#owned.length = 0
    for (const key of this.#packed.keys()) this.weights.release(key)
    this.#packed.clear()
    this.#steps = []
  }

  #isConcerned(index: number, kind: 'input' | 'output', name: string): boolean {
    const bindings = Object.values(this.spec.steps[index]?.bindings ?? {})
    return bindings.some((at) => at.kind === kind && at.name === name)
  }

  /** @param before what the pass has set: layers share pipelines, and each call into WebGPU costs more than the comparison */
  #dispatch(pass: GPUComputePassEncoder, index: number, before?: GPUComputePipeline): GPUComputePipeline {
    const step = this.#steps[index] as RecordedStep
    if (step.pipeline !== before) pass.setPipeline(step.pipeline)
    pass.setBindGroup(0, step.bindGroup)
    pass.dispatchWorkgroups(step.workgroups[0], step.workgroups[1], step.workgroups[2])
    return step.pipeline
  }

  /** Destroys a buffer if it is one of the plan's own. */
  #free(buffer: GPUBuffer): void {
    const index = this.#owned.indexOf(buffer)
    if (index < 0) return
    this.#owned.splice(index, 1)
    this.device.buffers.destroy(buffer)
  }

  #create(label: string, bytes: number, usage: number): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 4) * 4)
    const buffer = this.device.buffers.createBuffer({ label: `${this.spec.name} ${label}`, size, usage })
    this.#owned.push(buffer)
    return buffer
  }

  #writeUniforms(): GPUBuffer {
    const align = this.device.caps.limits.minUniformBufferOffsetAlignment
    const blocks = this.spec.steps.map((step, index) =>
      packUniform((this.#kernels[index] as CompiledKernel).iface, step.uniforms),
    )
    let size = 0
    for (const block of blocks) {
      this.#uniformOffsets.push(size)
      size += Math.ceil(block.byteLength / align) * align
    }
    const all = new Uint8Array(Math.max(16, size))
    for (const [index, block] of blocks.entries()) {
      all.set(new Uint8Array(block), this.#uniformOffsets[index] as number)
    }
    const buffer = this.#create('uniforms', all.byteLength, UNIFORM_USAGE)
    this.device.gpu.queue.writeBuffer(buffer, 0, all)
    return buffer
  }

  #record(step: Step, index: number, uniforms: GPUBuffer): RecordedStep {
    const { iface, layout, pipeline } = this.#kernels[index] as CompiledKernel
    const entries: GPUBindGroupEntry[] = []
    for (const binding of iface.bindings.values()) {
      if (binding.kind === 'uniform') {
        const offset = this.#uniformOffsets[index] as number
        const size = iface.uniform?.size ?? 0
        entries.push({ binding: binding.binding, resource: { buffer: uniforms, offset, size } })
      } else {
        const region = this.regionAt(step.bindings[binding.name] as Location)
        entries.push({ binding: binding.binding, resource: region })
      }
    }
    const label = `${this.spec.name} ${step.name}`
    return {
      pipeline,
      bindGroup: this.device.gpu.createBindGroup({ label, layout, entries }),
      workgroups: step.workgroups,
    }
  }
}

function kernelOf({ kernel, params, code }: Step): KernelKey {
  return { file: kernel, params, ...(code !== undefined && { code }) }
}

export const PASS: GPUComputePassDescriptor = {}
const { COPY_SRC, COPY_DST, MAP_READ, UNIFORM, STORAGE } = BufferUsage
const SLOT_USAGE = STORAGE | COPY_SRC
const INPUT_USAGE = STORAGE | COPY_SRC | COPY_DST
const STAGING_USAGE = MAP_READ | COPY_DST
const UNIFORM_USAGE = UNIFORM | COPY_DST
/** Readback buffers that are kept for later reads: as many runs may be in flight without a buffer being made. */
const MAX_FREE_STAGING = 3

function find<T>(table: ReadonlyMap<string, T>, name: string, kind: string, plan: string): T {
  const buffer = table.get(name)
  if (buffer === undefined) {
    const known = [...table.keys()].join(', ')
    throw new EngineError(
      'INVALID_ARGUMENT',
      `plan "${plan}" has no ${kind} "${String(name)}"; it has: ${known}`,
    )
  }
  return buffer
}

/** Names and uniform fields of TypeScript and WGSL must agree before anything is built. */
function checkInterfaces(device: EngineDevice, spec: PlanSpec): void {
  for (const step of spec.steps) {
    const iface = device.kernels.interfaceOf(kernelOf(step))
    // The uniform buffer is the plan's own; its fields are checked when they are packed.
    checkBindings(iface, [...Object.keys(step.bindings), ...(iface.uniform ? [iface.uniform.name] : [])])
  }
}

function checkLimits(device: EngineDevice, spec: PlanSpec): void {
  const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupsPerDimension } = device.caps.limits
  const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize)
  const sizes = [
    ...spec.slotBytes.map((bytes, slot) => ({ what: `slot ${slot}`, bytes })),
    ...[...spec.inputs].map(([name, { bytes }]) => ({ what: `input "${name}"`, bytes })),
    ...[...spec.outputs].map(([name, { bytes }]) => ({ what: `output "${name}"`, bytes })),
  ]
  for (const { what, bytes } of sizes) {
    if (bytes > limit) {
      throw new EngineError(
        'UNSUPPORTED',
        `plan "${spec.name}": ${what} needs ${bytes} bytes, adapter "${device.caps.name}" binds at most ${limit}`,
      )
    }
  }
  for (const step of spec.steps) {
    if (step.workgroups.some((n) => n > maxComputeWorkgroupsPerDimension || n < 1)) {
      throw new EngineError(
        'UNSUPPORTED',
        `plan "${spec.name}": step "${step.name}" dispatches ${step.workgroups.join('x')} workgroups, ` +
          `the adapter allows 1..${maxComputeWorkgroupsPerDimension} a dimension`,
      )
    }
  }
}
