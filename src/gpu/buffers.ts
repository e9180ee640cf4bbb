import { EngineError } from '../errors.js'

/**
 * Every buffer that the engine creates, counted: what is alive, how many bytes, and the most there ever
 * were. Buffers of the caller are not in it.
 */
export class BufferLedger {
  readonly #live = new Map<GPUBuffer, number>()
  #liveBytes = 0
  #peakBytes = 0

  constructor(
    private readonly gpu: GPUDevice,
    private readonly assertUsable: () => void,
  ) {}

  get liveBuffers(): number {
    return this.#live.size
  }

  get liveBytes(): number {
    return this.#liveBytes
  }

  get peakBytes(): number {
    return this.#peakBytes
  }

  /** True for a buffer that was created here and not yet destroyed. */
  owns(buffer: GPUBuffer): boolean {
    return this.#live.has(buffer)
  }

  /**
   * @throws EngineError UNSUPPORTED for a size above the device's limit; DISPOSED or DEVICE_LOST
   */
  createBuffer(descriptor: GPUBufferDescriptor): GPUBuffer {
    this.assertUsable()
    const limit = this.gpu.limits.maxBufferSize
    if (descriptor.size > limit) {
      const label = descriptor.label ? ` '${descriptor.label}'` : ''
      throw new EngineError(
        'UNSUPPORTED',
        `buffer${label} of ${descriptor.size} bytes exceeds the adapter's maxBufferSize of ${limit}`,
        { size: descriptor.size, limit },
      )
    }
    const buffer = this.gpu.createBuffer(descriptor)
    this.#live.set(buffer, descriptor.size)
    this.#liveBytes += descriptor.size
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes)
    return buffer
  }

  /** Frees a buffer's memory at once. A buffer destroyed before is left alone. */
  destroy(buffer: GPUBuffer): void {
    const size = this.#live.get(buffer)
    if (size === undefined) return
    this.#live.delete(buffer)
    this.#liveBytes -= size
    buffer.destroy()
  }

  destroyAll(): void {
    for (const buffer of [...this.#live.keys()]) this.destroy(buffer)
  }
}
