import { EngineError, printed } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import type { Executor } from './executor.js'

export type BufferKind = 'input' | 'output'

interface Place {
  readonly kind: BufferKind
  readonly name: string
  /** Known to work: the plan's own buffer, or the last of the caller that the device accepted. */
  verified: GPUBuffer
}

/** Buffers of the caller in the place of a plan's own, each on trial until the device has judged it. */
export class BufferBindings {
  readonly #executor: Executor
  readonly #places = new Map<string, Place>()

  constructor(executor: Executor) {
    this.#executor = executor
  }

  /**
   * Binds a buffer at once, and lets the device look at it: destroyed ones, and those of another device, do not show otherwise.
   * @returns the verdict, to be followed by `accept` or `refuse`
   * @throws EngineError INVALID_ARGUMENT for an unknown name; INVALID_BUFFER for what is no buffer, too small or lacks a usage
   */
  bind(
    kind: BufferKind,
    name: string,
    buffer: GPUBuffer,
  ): { readonly key: string; readonly verdict: Promise<void> } {
    const executor = this.#executor
    const old = this.#current({ kind, name })
    this.#check(kind, name, buffer)
    const key = `${kind} ${name}`
    if (!this.#places.has(key)) this.#places.set(key, { kind, name, verified: old })
    const { device, spec } = executor
    const { verdict } = device.judged(`plan "${spec.name}": binding ${kind} "${name}"`, () => {
      executor.rebind(kind, name, buffer)
      const encoder = device.gpu.createCommandEncoder()
      executor.encodeProbe(encoder, kind, name)
      device.gpu.queue.submit([encoder.finish()])
    })
    return { key, verdict }
  }

  /** Frees what an accepted buffer replaced, where it was the plan's own. */
  accept(key: string, buffer: GPUBuffer): void {
    const place = this.#places.get(key)
    if (place === undefined || this.#executor.disposed) return
    const before = place.verified
    place.verified = buffer
    if (before !== this.#current(place)) this.#executor.retire(before)
  }

  /** Puts back what a refused buffer replaced; false where another one took its place meanwhile. */
  refuse(key: string, buffer: GPUBuffer): boolean {
    const place = this.#places.get(key)
    const executor = this.#executor
    if (place === undefined || executor.disposed || this.#current(place) !== buffer) return false
    const label = `plan "${executor.spec.name}": binding ${key}`
    executor.device.judged(label, () => executor.rebind(place.kind, place.name, place.verified))
    return true
  }

  #current({ kind, name }: Pick<Place, 'kind' | 'name'>): GPUBuffer {
    return kind === 'input' ? this.#executor.input(name) : this.#executor.output(name)
  }

  #check(kind: BufferKind, name: string, buffer: GPUBuffer): void {
    const { spec } = this.#executor
    const bytes = (kind === 'input' ? spec.inputs : spec.outputs).get(name)?.bytes ?? 0
    const needed = BufferUsage.STORAGE | (kind === 'output' ? BufferUsage.COPY_SRC : 0)
    const fail = (wants: string, got: string): never => {
      const message = `plan "${spec.name}": ${kind} "${name}" needs a ${wants}; got ${got}`
      throw new EngineError('INVALID_BUFFER', message, {
        name,
        bytes,
        size: buffer?.size,
        usage: buffer?.usage,
      })
    }
    if (typeof buffer?.size !== 'number' || typeof buffer.usage !== 'number')
      fail('GPUBuffer', printed(buffer))
    if (buffer.size >= bytes && (buffer.usage & needed) === needed) return
    fail(
      `buffer of >= ${bytes} bytes with usage STORAGE${kind === 'output' ? ' | COPY_SRC' : ''}`,
      `${buffer.size} bytes, usage 0x${buffer.usage.toString(16)}`,
    )
  }
}
