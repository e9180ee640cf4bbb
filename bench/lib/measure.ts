import Benchmark from 'benchmark'
import { BufferUsage, MapMode } from '../../src/gpu/constants.js'
import { HARDWARE_PACE, paced, SOFTWARE_PACE } from '../../src/platform/node/polling.js'
import type { Engine } from '../../src/runtime/engine.js'
import { type Summary, summarise } from './statistics.js'

/** One call: wall time, processor time of the whole process, time between timestamps on the GPU's own clock. */
export interface Sample {
  readonly wallMs: number
  /** On software adapters this is what the shaders cost whatever else the machine does. */
  readonly cpuMs: number
  readonly gpuMs: number | undefined
}

export interface Timing {
  readonly wall: Summary
  readonly cpu: Summary
  readonly gpu: Summary | undefined
  readonly samples: readonly Sample[]
}

export interface MeasureOptions {
  readonly warmUp: number
  readonly runs: number
  /** Stops before `runs` when this is spent, in seconds. */
  readonly maxSeconds: number
}

export const FULL: MeasureOptions = { warmUp: 3, runs: 20, maxSeconds: 20 }
export const QUICK: MeasureOptions = { warmUp: 1, runs: 3, maxSeconds: 4 }

export function measureOptions(options: { readonly quick: boolean; readonly runs?: number }): MeasureOptions {
  const base = options.quick ? QUICK : FULL
  return options.runs === undefined
    ? base
    : { ...base, runs: options.runs, maxSeconds: Number.POSITIVE_INFINITY }
}

export function timingOf(samples: readonly Sample[]): Timing {
  const gpu = samples.flatMap(({ gpuMs }) => (gpuMs === undefined ? [] : [gpuMs]))
  return {
    wall: summarise(samples.map(({ wallMs }) => wallMs)),
    cpu: summarise(samples.map(({ cpuMs }) => cpuMs)),
    gpu: gpu.length > 0 ? summarise(gpu) : undefined,
    samples,
  }
}

/** Times one call of `work`, which may give the time that the GPU took. */
export async function sampleOnce(work: () => Promise<number | undefined>): Promise<Sample> {
  const cpu = process.cpuUsage()
  const start = performance.now()
  const gpuMs = await work()
  const wallMs = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  return { wallMs, cpuMs: (user + system) / 1000, gpuMs }
}

/** Warm-up, then runs by the `benchmark` package, which decides how many calls make a cycle and when it has enough. */
export async function measure(
  name: string,
  work: () => Promise<number | undefined>,
  options: MeasureOptions,
): Promise<Timing> {
  for (let i = 0; i < options.warmUp; i++) await work()
  const samples: Sample[] = []
  await new Promise<void>((resolve, reject) => {
    const call = (deferred: { resolve(): void }): void => {
      sampleOnce(work).then(
        (sample) => {
          samples.push(sample)
          if (samples.length >= options.runs) benchmark.abort()
          deferred.resolve()
        },
        (error: unknown) => {
          reject(error)
          benchmark.abort()
        },
      )
    }
    const benchmark: Benchmark = new Benchmark({
      name,
      defer: true,
      fn: call,
      initCount: 1,
      minSamples: options.runs,
      // One call is long against the timer, so a cycle need not hold many.
      minTime: 0.001,
      maxTime: options.maxSeconds,
      onComplete: () => resolve(),
      onAbort: () => resolve(),
    })
    benchmark.run({ async: true })
  })
  return timingOf(samples)
}

/** Waits until the queue has done what was submitted, without a busy loop. */
export async function settled(engine: Engine): Promise<void> {
  const pace = engine.caps.software ? SOFTWARE_PACE : HARDWARE_PACE
  await paced(pace, () => engine.device.queue.onSubmittedWorkDone())
}

/** Timestamps before and after what a caller encodes. Without timestamp queries it only waits. */
export class GpuTimer {
  readonly #querySet: GPUQuerySet | undefined
  readonly #resolved: GPUBuffer | undefined
  readonly #staging: GPUBuffer | undefined

  constructor(private readonly engine: Engine) {
    if (!engine.caps.timestamps) return
    const { device } = engine
    this.#querySet = device.createQuerySet({ type: 'timestamp', count: 2 })
    this.#resolved = device.createBuffer({
      size: 16,
      usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC,
    })
    this.#staging = device.createBuffer({ size: 16, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
  }

  /** Encodes, submits and waits; milliseconds between the timestamps. */
  async run(encode: (encoder: GPUCommandEncoder) => void): Promise<number | undefined> {
    const { device } = this.engine
    const encoder = device.createCommandEncoder()
    const querySet = this.#querySet
    if (querySet === undefined || this.#resolved === undefined || this.#staging === undefined) {
      encode(encoder)
      device.queue.submit([encoder.finish()])
      await settled(this.engine)
      return undefined
    }
    encoder.beginComputePass({ timestampWrites: { querySet, endOfPassWriteIndex: 0 } }).end()
    encode(encoder)
    encoder.beginComputePass({ timestampWrites: { querySet, beginningOfPassWriteIndex: 1 } }).end()
    encoder.resolveQuerySet(querySet, 0, 2, this.#resolved, 0)
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16)
    device.queue.submit([encoder.finish()])
    const staging = this.#staging
    const pace = this.engine.caps.software ? SOFTWARE_PACE : HARDWARE_PACE
    await paced(pace, () => staging.mapAsync(MapMode.READ))
    const [begin = 0n, end = 0n] = new BigUint64Array(staging.getMappedRange())
    staging.unmap()
    return Number(end - begin) / 1e6
  }

  dispose(): void {
    this.#querySet?.destroy()
    this.#resolved?.destroy()
    this.#staging?.destroy()
  }
}
