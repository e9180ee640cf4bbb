import { BufferUsage, MapMode } from '../gpu/constants.js'
import type { EngineDevice } from '../gpu/device.js'
import type { Executor, Region } from './executor.js'

export interface Overflow {
  readonly index: number
  readonly step: string
  readonly kernel: string
  readonly value: number
}

/** Runs one step at a time and scans what it wrote. Slow: for debugging f16 overflow and diverged weights. */
export async function findOverflow(executor: Executor): Promise<Overflow | undefined> {
  const { device, spec } = executor
  for (const [index, step] of spec.steps.entries()) {
    await device.scoped('finite check', () => {
      const encoder = device.gpu.createCommandEncoder()
      executor.encodeStep(encoder, index)
      device.gpu.queue.submit([encoder.finish()])
    })
    for (const range of step.writesFloats) {
      const element = range.storage === 'f16' ? 2 : 4
      const start = range.start * element
      const size = Math.ceil((range.count * element) / 4) * 4
      const bytes = await readBuffer(device, executor.regionAt(range.at), start, size)
      const floats = element === 2 ? halfFloats(bytes) : new Float32Array(bytes)
      const bad = floats.findIndex((value) => !Number.isFinite(value))
      if (bad >= 0) {
        return { index, step: step.name, kernel: step.kernel, value: floats[bad] as number }
      }
    }
  }
  return undefined
}

async function readBuffer(
  device: EngineDevice,
  { buffer, offset }: Region,
  start: number,
  size: number,
): Promise<ArrayBuffer> {
  const usage = BufferUsage.MAP_READ | BufferUsage.COPY_DST
  const staging = await device.scoped('finite check', () => {
    const copy = device.buffers.createBuffer({ label: 'finite check', size, usage })
    const encoder = device.gpu.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, offset + start, copy, 0, size)
    device.gpu.queue.submit([encoder.finish()])
    return copy
  })
  try {
    await device.wait('finite check', () => staging.mapAsync(MapMode.READ))
    return staging.getMappedRange().slice(0)
  } finally {
    device.buffers.destroy(staging)
  }
}

/** Enough of IEEE half precision to tell finite from not: exponent 31 is Inf or NaN. */
function halfFloats(bytes: ArrayBuffer): Float32Array {
  return Float32Array.from(new Uint16Array(bytes), (bits) => {
    if ((bits & 0x7c00) !== 0x7c00) return 0
    if ((bits & 0x3ff) !== 0) return Number.NaN
    return bits & 0x8000 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  })
}
