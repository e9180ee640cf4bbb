import { EngineError } from '../errors.js'
import { BufferUsage } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { PackedData, WeightSource } from '../graph/op.js'
import { isBuiltIn } from '../realms.js'
import { firstNotFinite } from '../weights/finite.js'

/**
 * Weights on the device, packed once for all plans that share them. Buffers are counted: the last plan that
 * lets go of one frees it. The source stays on the CPU, so a lost device's weights can be uploaded again.
 */
export class WeightSet {
  readonly #buffers = new Map<string, { buffer: GPUBuffer; users: number }>()

  constructor(
    readonly source: WeightSource,
    readonly device: EngineDevice,
  ) {}

  /**
   * @throws EngineError INVALID_WEIGHTS if a tensor is missing, has another shape, or holds NaN or Inf
   */
  acquire(key: string, pack: (weights: WeightSource) => PackedData): GPUBuffer {
    const known = this.#buffers.get(key)
    if (known !== undefined) {
      known.users++
      return known.buffer
    }
    const data = pack(this.source)
    if (isBuiltIn(data, 'Float32Array')) checkFinite(key, data)
    const size = Math.max(16, Math.ceil(data.byteLength / 16) * 16)
    const buffer = this.device.buffers.createBuffer({
      label: key,
      size,
      usage: BufferUsage.STORAGE | BufferUsage.COPY_DST,
    })
    const bytes = new Uint8Array(Math.ceil(data.byteLength / 4) * 4)
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    this.device.gpu.queue.writeBuffer(buffer, 0, bytes)
    this.#buffers.set(key, { buffer, users: 1 })
    return buffer
  }

  release(key: string): void {
    const entry = this.#buffers.get(key)
    if (entry === undefined) return
    entry.users--
    if (entry.users > 0) return
    this.device.buffers.destroy(entry.buffer)
    this.#buffers.delete(key)
  }
}

function checkFinite(key: string, data: Float32Array): void {
  const bad = firstNotFinite(data)
  if (bad < 0) return
  throw new EngineError(
    'INVALID_WEIGHTS',
    `weights "${key}" hold ${data[bad]} at packed position ${bad}; the file is damaged or training diverged`,
  )
}

/** For graphs without weights. */
export const NO_WEIGHTS: WeightSource = {
  tensor(name) {
    throw new EngineError('INVALID_WEIGHTS', `the graph needs weights ("${name}"), none were given`)
  },
}
