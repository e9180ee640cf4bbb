import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { Executor } from './executor.js'

export type ClockSource = 'timestamp query' | 'wall time'

/** Times passes by timestamps where the adapter has them, else by the wall clock around a submission. */
export class PassClock {
  readonly source: ClockSource
  readonly #querySet: GPUQuerySet | undefined
  readonly #resolved: GPUBuffer | undefined
  readonly #staging: GPUBuffer | undefined
  /** Common divisor of all timestamps so far, ns. */
  #step = 0n

  constructor(private readonly device: EngineDevice) {
    this.source = device.caps.timestamps ? 'timestamp query' : 'wall time'
    if (!device.caps.timestamps) return
    const { QUERY_RESOLVE, COPY_SRC, MAP_READ, COPY_DST } = BufferUsage
    const buffer = (usage: number) =>
      device.buffers.createBuffer({ label: 'pass timestamps', size: 16, usage })
    this.#querySet = device.gpu.createQuerySet({ type: 'timestamp', count: 2 })
    this.#resolved = buffer(QUERY_RESOLVE | COPY_SRC)
    this.#staging = buffer(MAP_READ | COPY_DST)
  }

  /** Milliseconds of some steps of a plan, done `repeats` times over; negative where the clock stepped back. */
  async time(executor: Executor, steps: readonly number[], repeats: number): Promise<number> {
    const { device } = this
    const { gpu } = device
    const [querySet, resolved, staging] = [this.#querySet, this.#resolved, this.#staging]
    if (querySet === undefined || resolved === undefined || staging === undefined) {
      const encoder = gpu.createCommandEncoder()
      executor.encodeSteps(encoder, steps, repeats)
      const commands = encoder.finish()
      const start = performance.now()
      const { verdict } = device.judged('timed pass', () => gpu.queue.submit([commands]))
      await device.wait('timed pass', () => gpu.queue.onSubmittedWorkDone())
      const ms = performance.now() - start
      await verdict
      return ms
    }
    await device.scoped('timed pass', () => {
      const encoder = gpu.createCommandEncoder()
      executor.encodeSteps(encoder, steps, repeats, {
        querySet,
        beginningOfPassWriteIndex: 0,
        endOfPassWriteIndex: 1,
      })
      encoder.resolveQuerySet(querySet, 0, 2, resolved, 0)
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16)
      gpu.queue.submit([encoder.finish()])
    })
    await device.wait('timed pass', () => staging.mapAsync(MapMode.READ))
    const [begin = 0n, end = 0n] = new BigUint64Array(staging.getMappedRange())
    staging.unmap()
    for (const stamp of [begin, end]) this.#step = commonDivisor(this.#step, stamp)
    return Number(end - begin) / 1e6
  }

  /** What timestamps are multiples of, ms; 0 before the first, and for the wall clock. */
  get stepMs(): number {
    return Number(this.#step) / 1e6
  }

  dispose(): void {
    this.#querySet?.destroy()
    for (const buffer of [this.#resolved, this.#staging]) {
      if (buffer !== undefined) this.device.buffers.destroy(buffer)
    }
  }
}

/** Euclid's; 0 divides by everything. */
export function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}
