import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { Step } from '../graph/plan.js'
import { median } from './contest.js'
import type { Executor } from './executor.js'

/** Time of one step of a plan. */
export interface StepTime {
  readonly step: Step
  /** Median over the runs. */
  readonly ms: number
}

/** Time of a plan's run, step by step. */
export interface Profile {
  /** `timestamp query`: time on the GPU. `split submission`: wall time of a submission of its own, idle time included. */
  readonly source: 'timestamp query' | 'split submission'
  readonly steps: readonly StepTime[]
}

/** Times every step in a pass of its own, which costs what a single pass saves: read it as shares of the whole. */
export async function profile(executor: Executor, runs: number): Promise<Profile> {
  const samples = executor.spec.steps.map((): number[] => [])
  const source = executor.device.caps.timestamps ? 'timestamp query' : 'split submission'
  const measure = source === 'timestamp query' ? runWithTimestamps : runSplit
  for (let run = 0; run < runs; run++) {
    const times = await measure(executor)
    for (const [index, ms] of times.entries()) samples[index]?.push(ms)
  }
  return {
    source,
    steps: executor.spec.steps.map((step, index) => ({ step, ms: median(samples[index] ?? []) })),
  }
}

/** Queries a set can hold by the WebGPU specification. */
const MAX_QUERIES = 4096

async function runWithTimestamps(executor: Executor): Promise<number[]> {
  const { device } = executor
  const times: number[] = []
  for (let first = 0; first < executor.stepCount; first += MAX_QUERIES / 2) {
    const count = Math.min(MAX_QUERIES / 2, executor.stepCount - first)
    const querySet = device.gpu.createQuerySet({ type: 'timestamp', count: count * 2 })
    const resolve = device.buffers.createBuffer({
      label: 'timestamps',
      size: count * 16,
      usage: BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC,
    })
    const staging = device.buffers.createBuffer({
      label: 'timestamps readback',
      size: count * 16,
      usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST,
    })
    try {
      await device.scoped('profile', () => {
        const encoder = device.gpu.createCommandEncoder()
        for (let i = 0; i < count; i++) {
          executor.encodeStep(encoder, first + i, {
            querySet,
            beginningOfPassWriteIndex: i * 2,
            endOfPassWriteIndex: i * 2 + 1,
          })
        }
        encoder.resolveQuerySet(querySet, 0, count * 2, resolve, 0)
        encoder.copyBufferToBuffer(resolve, 0, staging, 0, count * 16)
        device.gpu.queue.submit([encoder.finish()])
      })
      await device.wait('timestamps', () => staging.mapAsync(MapMode.READ))
      const ticks = new BigUint64Array(staging.getMappedRange().slice(0))
      staging.unmap()
      for (let i = 0; i < count; i++) {
        times.push(Number((ticks[i * 2 + 1] ?? 0n) - (ticks[i * 2] ?? 0n)) / 1e6)
      }
    } finally {
      querySet.destroy()
      device.buffers.destroy(resolve)
      device.buffers.destroy(staging)
    }
  }
  return times
}

async function runSplit(executor: Executor): Promise<number[]> {
  const { device } = executor
  const { gpu } = device
  const times: number[] = []
  for (let i = 0; i < executor.stepCount; i++) {
    const start = performance.now()
    const { verdict } = device.judged('profile', () => {
      const encoder = gpu.createCommandEncoder()
      executor.encodeStep(encoder, i)
      gpu.queue.submit([encoder.finish()])
    })
    await device.wait('profile', () => gpu.queue.onSubmittedWorkDone())
    times.push(performance.now() - start)
    await verdict
  }
  return times
}
