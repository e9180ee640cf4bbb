import { EngineError, printed } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import { type BufferSlice, checkAligned } from './device-data.js'
import type { Executor, Region } from './executor.js'

export type BufferKind = 'input' | 'output'

interface Place {
  readonly kind: BufferKind
  readonly name: string
  /** Known to work: the plan's own buffer, or the last of the caller that the device accepted. */
  verified: Region
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
    given: GPUBuffer | BufferSlice,
  ): { readonly key: string; readonly region: Region; readonly verdict: Promise<void> } {
    const executor = this.#executor
    const old = this.#current({ kind, name })
    const region = this.#checked(kind, name, given)
    const key = `${kind} ${name}`
    if (!this.#places.has(key)) this.#places.set(key, { kind, name, verified: old })
    const { device, spec } = executor
    const { verdict } = device.judged(`plan "${spec.name}": binding ${kind} "${name}"`, () => {
      executor.rebind(kind, name, region)
      const encoder = device.gpu.createCommandEncoder()
      executor.encodeProbe(encoder, kind, name)
      device.gpu.queue.submit([encoder.finish()])
    })
    return { key, region, verdict }
  }

  /** Frees what an accepted buffer replaced, where it was the plan's own. */
  accept(key: string, region: Region): void {
    const place = this.#places.get(key)
    if (place === undefined || this.#executor.disposed) return
    const before = place.verified
    place.verified = region
    if (before.buffer !== this.#current(place).buffer) this.#executor.retire(before.buffer)
  }

  /** Puts back what a refused buffer replaced; false where another one took its place meanwhile. */
  refuse(key: string, region: Region): boolean {
    const place = this.#places.get(key)
    const executor = this.#executor
    if (place === undefined || executor.disposed || this.#current(place) !== region) return false
    const label = `plan "${executor.spec.name}": binding ${key}`
    executor.device.judged(label, () => executor.rebind(place.kind, place.name, place.verified))
    return true
  }

  #current({ kind, name }: Pick<Place, 'kind' | 'name'>): Region {
    return kind === 'input' ? this.#executor.input(name) : this.#executor.output(name)
  }

  #checked(kind: BufferKind, name: string, given: GPUBuffer | BufferSlice): Region {
    const { spec, device } = this.#executor
    const bytes = (kind === 'input' ? spec.inputs : spec.outputs).get(name)?.bytes ?? 0
    const needed = BufferUsage.STORAGE | (kind === 'output' ? BufferUsage.COPY_SRC : 0)
    const isSlice = (given as Partial<BufferSlice> | null)?.buffer !== undefined
    const {
      buffer,
      offset = 0,
      bytesPerRow,
    } = isSlice ? (given as BufferSlice) : { buffer: given as GPUBuffer }
    const what = `plan "${spec.name}": ${kind} "${name}"`
    const fail = (wants: string, got: string): never => {
      throw new EngineError('INVALID_BUFFER', `${what} needs a ${wants}; got ${got}`, {
        name,
        bytes,
        size: buffer?.size,
        usage: buffer?.usage,
      })
    }
    if (typeof buffer?.size !== 'number' || typeof buffer.usage !== 'number')
      fail('GPUBuffer', printed(buffer))
    if (bytesPerRow !== undefined)
      fail('buffer of rows without gaps; give it to run() to have it copied', 'bytesPerRow')
    checkAligned(what, buffer, 'offset', offset, device.caps.limits.minStorageBufferOffsetAlignment)
    if (buffer.size < offset + bytes || (buffer.usage & needed) !== needed) {
      fail(
        `buffer of >= ${offset + bytes} bytes with usage STORAGE${kind === 'output' ? ' | COPY_SRC' : ''}`,
        `${buffer.size} bytes, usage 0x${buffer.usage.toString(16)}`,
      )
    }
    if (!isSlice) return { buffer, offset: 0 }
    // Kernels look at whole vectors: what is left of the buffer counts, if the slice ends in one.
    const size = Math.min(buffer.size - offset, Math.max(16, Math.ceil(bytes / 4) * 4))
    return { buffer, offset, size: Math.floor(size / 4) * 4 }
  }
}
