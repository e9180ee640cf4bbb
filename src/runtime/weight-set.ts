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

  /** The source, held to what sources must give. */
  readonly source: WeightSource

  constructor(
    source: WeightSource,
    readonly device: EngineDevice,
  ) {
    this.source = checkedSource(source)
  }

  /**
   * @throws EngineError INVALID_WEIGHTS if a tensor is missing, has another shape, or holds NaN or Inf; UNSUPPORTED if the
   * adapter cannot bind so large a buffer
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
    this.#checkSize(key, size)
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

  #checkSize(key: string, size: number): void {
    const { caps } = this.device
    const limit = Math.min(caps.limits.maxStorageBufferBindingSize, caps.limits.maxBufferSize)
    if (size <= limit) return
    throw new EngineError(
      'UNSUPPORTED',
      `weights "${key}" need ${size} bytes on the device, adapter "${caps.name}" binds at most ${limit}; ` +
        'split the layer, or use a smaller network',
      { key, size, limit },
    )
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

/**
 * What any source must hold to: `tensor` gives a Float32Array with as many values as the shape has.
 * @throws EngineError INVALID_ARGUMENT if the source is none; INVALID_WEIGHTS from `tensor`
 */
function checkedSource(source: WeightSource): WeightSource {
  if (typeof source?.tensor !== 'function') {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `weights are an object with a function tensor(name, shape), as readSafetensors() gives; got ${String(source)}`,
    )
  }
  return {
    tensor(name, shape) {
      const data: unknown = source.tensor(name, shape)
      const wanted = shape.reduce((product, side) => product * side, 1)
      const kind = Object.prototype.toString.call(data).slice('[object '.length, -1)
      const length = kind === 'Float32Array' ? (data as Float32Array).length : undefined
      if (length === wanted) return data as Float32Array
      throw new EngineError(
        'INVALID_WEIGHTS',
        `weights "${name}" of shape [${shape}] are a Float32Array of ${wanted} values, the source gives ` +
          (length === undefined ? `a ${kind}` : `${length}`),
        { name, shape, wanted, got: length ?? kind },
      )
    },
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
