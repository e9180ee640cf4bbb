import { join } from 'node:path'
import { BufferUsage, MapMode } from '../../src/gpu/constants.js'
import { type EngineDevice, openDevice } from '../../src/gpu/device.js'
import type { KernelKey } from '../../src/gpu/kernel-cache.js'
import { packUniform } from '../../src/gpu/shader/uniform.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { Engine } from '../../src/runtime/engine.js'
import { GpuTimer, type Sample, sampleOnce } from './measure.js'
import { quantile } from './statistics.js'

/** What an adapter can do at best, measured by kernels that do one thing. */
export interface Peaks {
  /** Register-only multiply-adds (2 FLOP each), best variant and run. */
  readonly gflops: number
  /** The same per second of processor time: on software adapters, the speed of one core. */
  readonly gflopsPerCpuSecond: number
  readonly fmaVariant: string
  /** Shader copy of vec4s, reads and writes counted. */
  readonly gbytes: number
  readonly gbytesPerCpuSecond: number
  /** One more dispatch that depends on the one before, in one pass. */
  readonly dispatchUs: number
  /** Submission of one dispatch and the wait for it. */
  readonly submitUs: number
  /** 602,112 bytes (a 224x224x3 flow) from the GPU into a typed array, submission included. */
  readonly readbackMs: number
}

const READBACK_BYTES = 224 * 224 * 3 * 4
const DISPATCHES = 200
/** Bytes that a copy moves in one direction: beyond any cache of a GPU, within reach of a processor's driver. */
const COPY_BYTES = { software: 8 << 20, hardware: 256 << 20 }

/** Against 0.1 to 0.5 ms of a submission. */
const LONG_CALL_MS = 15
const MAX_ROUNDS = 1 << 20

const FMA_VARIANTS: readonly KernelKey[] = [true, false].flatMap((fused) =>
  [2, 4, 6].map((vectors) => ({ file: 'fma.wgsl', params: { VECTORS: vectors, UNROLL: 8, FUSED: fused } })),
)
const COPY_VARIANTS: readonly KernelKey[] = [1, 4].map((vectors) => ({
  file: 'copy.wgsl',
  params: { VECTORS: vectors },
}))
const TOUCH: KernelKey = { file: 'touch.wgsl', params: {} }

interface Dispatchable {
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
  readonly workgroups: number
}

/** Kernels of bench/kernels on the engine's device, for measuring peaks beside whatever else is measured. */
export class PeakMeter {
  readonly #timer: GpuTimer
  /** FLOP of one call of each variant, set so that a call takes some milliseconds. */
  #fma: { readonly name: string; readonly call: Dispatchable; readonly flop: number } | undefined
  readonly #fmaSamples: { readonly gflops: number; readonly perCpu: number }[] = []

  private constructor(
    private readonly engine: Engine,
    private readonly device: EngineDevice,
  ) {
    this.#timer = new GpuTimer(engine)
  }

  static async open(engine: Engine): Promise<PeakMeter> {
    const kernelRoot = join(packageFacts().root, 'bench', 'kernels')
    const device = await openDevice({ device: engine.device, kernelRoot })
    await device.kernels.compile([...FMA_VARIANTS, ...COPY_VARIANTS, TOUCH])
    const meter = new PeakMeter(engine, device)
    await meter.#chooseFma()
    return meter
  }

  /** One more run of the best multiply-add kernel: taken between measurements, it sees their load. */
  async sampleFma(): Promise<{ readonly gflops: number; readonly perCpu: number }> {
    if (this.#fma === undefined)
      throw new TypeError('the multiply-add kernel is chosen when the meter is opened')
    const { call, flop } = this.#fma
    const sample = await this.#time(call, 1)
    const rates = { gflops: flop / millis(sample) / 1e6, perCpu: flop / sample.cpuMs / 1e6 }
    this.#fmaSamples.push(rates)
    return rates
  }

  /** Runs whatever was not run yet and sums up. */
  async finish(runs: number): Promise<Peaks> {
    for (let i = 0; i < runs; i++) await this.sampleFma()
    const bytes = this.engine.caps.software ? COPY_BYTES.software : COPY_BYTES.hardware
    const copies = await this.#copyCalls(bytes)
    const copySamples: Sample[] = []
    for (let i = 0; i < runs + 1; i++) {
      for (const call of copies) {
        const sample = await this.#time(call, 1)
        // The first touch of memory is the operating system's time.
        if (i > 0) copySamples.push(sample)
      }
    }
    const touch = this.#dispatchable(TOUCH, undefined, { counter: this.#buffer(16) }, 1)
    const many: number[] = []
    const one: number[] = []
    const readback: number[] = []
    for (let i = 0; i < runs + 1; i++) {
      one.push((await this.#time(touch, 1)).wallMs)
      many.push((await this.#time(touch, 1 + DISPATCHES)).wallMs)
      readback.push((await sampleOnce(() => this.#readBack())).wallMs)
    }
    const best = (values: readonly number[]): number => quantile(values, 0)
    return {
      gflops: Math.max(...this.#fmaSamples.map(({ gflops }) => gflops)),
      gflopsPerCpuSecond: Math.max(...this.#fmaSamples.map(({ perCpu }) => perCpu)),
      fmaVariant: this.#fma?.name ?? '',
      gbytes: (2 * bytes) / best(copySamples.map(millis)) / 1e6,
      gbytesPerCpuSecond: (2 * bytes) / best(copySamples.map(({ cpuMs }) => cpuMs)) / 1e6,
      dispatchUs: ((best(many) - best(one)) / DISPATCHES) * 1000,
      submitUs: best(one) * 1000,
      readbackMs: best(readback),
    }
  }

  dispose(): void {
    this.#timer.dispose()
    this.device.dispose()
  }

  async #chooseFma(): Promise<void> {
    const software = this.engine.caps.software
    const invocations = software ? 4096 : 1 << 18
    const sums = this.#buffer(invocations * 16)
    let bestRate = 0
    for (const key of FMA_VARIANTS) {
      const vectors = key.params.VECTORS as number
      const flopOf = (rounds: number): number => 2 * 4 * vectors * 8 * rounds * invocations
      const callOf = (rounds: number): Dispatchable => {
        const uniforms = { rounds, factor: 0.999, summand: 0.001 }
        return this.#dispatchable(key, uniforms, { sums }, invocations / 64)
      }
      const { call, rounds } = await this.#longEnough(callOf)
      const samples = [await this.#time(call, 1), await this.#time(call, 1), await this.#time(call, 1)]
      // Other processes take from the time on the clock, not from processor time.
      const best = Math.min(...samples.map((sample) => this.#cost(sample)))
      const rate = flopOf(rounds) / best
      if (rate > bestRate) {
        bestRate = rate
        const name = `${vectors} vec4, ${key.params.FUSED ? 'fma()' : 'product and sum'}`
        this.#fma = { name, call, flop: flopOf(rounds) }
      }
    }
  }

  /** What a call took, by the clock that other processes do not disturb. */
  #cost(sample: Sample): number {
    return this.engine.caps.software ? sample.cpuMs : millis(sample)
  }

  /** Rounds for which a call is long against its submission. */
  async #longEnough(
    callOf: (rounds: number) => Dispatchable,
  ): Promise<{ readonly call: Dispatchable; readonly rounds: number }> {
    let rounds = 16
    for (;;) {
      const call = callOf(rounds)
      // The first call of a pipeline may compile it; of two, the cheaper one tells.
      const cost = Math.min(this.#cost(await this.#time(call, 1)), this.#cost(await this.#time(call, 1)))
      if (cost >= LONG_CALL_MS || rounds >= MAX_ROUNDS) return { call, rounds }
      rounds = Math.min(
        MAX_ROUNDS,
        Math.ceil(rounds * Math.min(8, Math.max(1.5, (1.2 * LONG_CALL_MS) / cost))),
      )
    }
  }

  async #copyCalls(bytes: number): Promise<Dispatchable[]> {
    const source = this.#buffer(bytes)
    const destination = this.#buffer(bytes)
    return COPY_VARIANTS.map((key) => {
      const invocations = bytes / 16 / (key.params.VECTORS as number)
      return this.#dispatchable(key, { invocations }, { source, destination }, invocations / 64)
    })
  }

  async #time(call: Dispatchable, dispatches: number): Promise<Sample> {
    return await sampleOnce(() =>
      this.#timer.run((encoder) => {
        const pass = encoder.beginComputePass()
        pass.setPipeline(call.pipeline)
        pass.setBindGroup(0, call.bindGroup)
        // A dimension holds 65535 workgroups; the kernels here are one-dimensional and stay below it.
        for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(call.workgroups)
        pass.end()
      }),
    )
  }

  async #readBack(): Promise<undefined> {
    const { gpu, buffers } = this.device
    const source = buffers.createBuffer({
      label: 'readback source',
      size: READBACK_BYTES,
      usage: BufferUsage.COPY_SRC,
    })
    const staging = buffers.createBuffer({
      label: 'readback',
      size: READBACK_BYTES,
      usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
    })
    const encoder = gpu.createCommandEncoder()
    encoder.copyBufferToBuffer(source, 0, staging, 0, READBACK_BYTES)
    gpu.queue.submit([encoder.finish()])
    await this.device.wait('readback', () => staging.mapAsync(MapMode.READ))
    new Float32Array(staging.getMappedRange().slice(0))
    staging.unmap()
    buffers.destroy(source)
    buffers.destroy(staging)
  }

  #buffer(size: number): GPUBuffer {
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC
    return this.device.buffers.createBuffer({ label: 'peak', size, usage })
  }

  #dispatchable(
    key: KernelKey,
    uniforms: Readonly<Record<string, number>> | undefined,
    storage: Readonly<Record<string, GPUBuffer>>,
    workgroups: number,
  ): Dispatchable {
    const { iface, layout, pipeline } = this.device.kernels.get(key)
    const entries = [...iface.bindings.values()].map((binding): GPUBindGroupEntry => {
      if (binding.kind !== 'uniform') {
        const buffer = storage[binding.name]
        if (buffer === undefined) throw new TypeError(`${key.file} has no buffer for "${binding.name}"`)
        return { binding: binding.binding, resource: { buffer } }
      }
      const data = packUniform(iface, uniforms ?? {})
      const buffer = this.device.buffers.createBuffer({
        label: 'peak uniforms',
        size: data.byteLength,
        usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
      })
      this.device.gpu.queue.writeBuffer(buffer, 0, data)
      return { binding: binding.binding, resource: { buffer } }
    })
    return { pipeline, bindGroup: this.device.gpu.createBindGroup({ layout, entries }), workgroups }
  }
}

/** The GPU's own clock where there is one. */
function millis(sample: Sample): number {
  return sample.gpuMs ?? sample.wallMs
}

export function describePeaks(peaks: Peaks): string {
  return (
    `peaks in this run: ${peaks.gflops.toFixed(1)} GFLOP/s (${peaks.gflopsPerCpuSecond.toFixed(1)} per processor second; ` +
    `${peaks.fmaVariant}), copy ${peaks.gbytes.toFixed(2)} GB/s, dispatch ${peaks.dispatchUs.toFixed(1)} us, ` +
    `submit + wait ${peaks.submitUs.toFixed(0)} us, readback of a flow ${peaks.readbackMs.toFixed(2)} ms`
  )
}
