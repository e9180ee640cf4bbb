import { type EngineDevice, openDevice } from '../../src/gpu/device.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule, WeightSource } from '../../src/graph/op.js'
import { type PlanSpec, planGraph, type Step } from '../../src/graph/plan.js'
import type { Engine } from '../../src/runtime/engine.js'
import { Executor } from '../../src/runtime/executor.js'
import { WeightSet } from '../../src/runtime/weight-set.js'
import { GpuTimer, type Sample, sampleOnce } from './measure.js'
import { quantile } from './statistics.js'

export interface StepCost {
  readonly step: Step
  /** Best of the runs, for one execution. */
  readonly wallMs: number
  readonly cpuMs: number
  readonly gpuMs: number | undefined
}

export interface StepMeterOptions {
  readonly schedule?: Schedule
  readonly storage: 'f32' | 'f16'
  readonly variants?: Readonly<Record<string, string>>
}

/** Shortest submission to time, ms; shorter steps are repeated within it. */
const LONG_ENOUGH = { full: 8, quick: 3 }
const MAX_REPEATS = 400

/**
 * Times the steps of a plan one by one: each in submissions of its own, repeated until the submission's own cost
 * does not matter. Processor time per step is known only this way.
 */
export class StepMeter {
  readonly #timer: GpuTimer

  private constructor(
    engine: Engine,
    private readonly device: EngineDevice,
    private readonly executor: Executor,
    readonly spec: PlanSpec,
  ) {
    this.#timer = new GpuTimer(engine)
  }

  static async open(
    engine: Engine,
    graph: Graph,
    weights: WeightSource,
    { schedule, storage, variants }: StepMeterOptions,
  ): Promise<StepMeter> {
    const device = await openDevice({ device: engine.device })
    // Scripts pass all of their options, of which plans know these.
    const spec = planGraph(graph, engine.caps, {
      storage,
      ...(schedule && { schedule }),
      ...(variants && { variants }),
    })
    const executor = await Executor.build(device, spec, new WeightSet(weights, device))
    return new StepMeter(engine, device, executor, spec)
  }

  /** Inputs are what the caller writes; without them kernels see zeros, which some take longer over (denormals). */
  write(inputs: Readonly<Record<string, ArrayBufferView>>): void {
    for (const [name, data] of Object.entries(inputs)) {
      const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
      this.device.gpu.queue.writeBuffer(this.executor.input(name).buffer, 0, bytes)
    }
  }

  /** The whole plan once, as `Plan.run` does it. */
  async runAll(): Promise<Sample> {
    return await sampleOnce(() => this.#timer.run((encoder) => this.executor.encode(encoder)))
  }

  /**
   * @param between called between steps: other measurements that should see the same load
   */
  async measure(runs: number, quick: boolean, between?: () => Promise<void>): Promise<StepCost[]> {
    await this.runAll()
    const wanted = quick ? LONG_ENOUGH.quick : LONG_ENOUGH.full
    const costs: StepCost[] = []
    for (const [index, step] of this.spec.steps.entries()) {
      let repeats = 1
      let sample = await this.#sample(index, repeats)
      if (sample.wallMs < wanted) {
        // The wait for a submission is not part of the step; a second look shows what one more costs.
        const more = await this.#sample(index, 9)
        const each = Math.max((more.wallMs - sample.wallMs) / 8, 0.001)
        repeats = Math.min(MAX_REPEATS, Math.max(1, Math.ceil(wanted / each)))
      }
      const samples: Sample[] = []
      for (let run = 0; run < runs; run++) {
        sample = await this.#sample(index, repeats)
        samples.push(sample)
      }
      const best = (values: readonly number[]): number => quantile(values, 0) / repeats
      const gpu = samples.flatMap(({ gpuMs }) => (gpuMs === undefined ? [] : [gpuMs]))
      costs.push({
        step,
        wallMs: best(samples.map(({ wallMs }) => wallMs)),
        cpuMs: best(samples.map(({ cpuMs }) => cpuMs)),
        gpuMs: gpu.length > 0 ? best(gpu) : undefined,
      })
      await between?.()
    }
    return costs
  }

  dispose(): void {
    this.executor.dispose()
    this.#timer.dispose()
    this.device.dispose()
  }

  async #sample(index: number, repeats: number): Promise<Sample> {
    return await sampleOnce(() =>
      this.#timer.run((encoder) => {
        for (let i = 0; i < repeats; i++) this.executor.encodeStep(encoder, index)
      }),
    )
  }
}
