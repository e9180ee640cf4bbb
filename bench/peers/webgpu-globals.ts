import { chooseAdapter } from '../../src/platform/node/adapters.js'
import { HARDWARE_PACE, paced, SOFTWARE_PACE } from '../../src/gpu/polling.js'

/**
 * Makes Node look like a browser with WebGPU to libraries that expect one, on the adapter that our engine would take.
 * Their waits are paced like ours: Dawn's Node binding otherwise polls in a busy loop, which on a software adapter takes
 * a core from the shaders.
 * @returns the adapter's name
 */
export async function installWebGpu(choice: string): Promise<string> {
  const { globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  const { caps } = await chooseAdapter(choice, { robustness: true })
  // An adapter gives one device: every request gets a new one.
  const gpu = {
    requestAdapter: async () => (await chooseAdapter(choice, { robustness: true })).adapter,
    getPreferredCanvasFormat: () => 'bgra8unorm',
    wgslLanguageFeatures: new Set<string>(),
  }
  const navigator = {
    gpu,
    userAgent: 'Node',
    platform: process.platform,
    hardwareConcurrency: 2,
    language: 'en',
  }
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true })
  const pace = caps.software ? SOFTWARE_PACE : HARDWARE_PACE
  const { mapAsync } = GPUBuffer.prototype
  GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, ...args: Parameters<typeof mapAsync>) {
    return paced(pace, () => mapAsync.apply(this, args))
  }
  const { onSubmittedWorkDone } = GPUQueue.prototype
  GPUQueue.prototype.onSubmittedWorkDone = function (this: GPUQueue) {
    return paced(pace, () => onSubmittedWorkDone.call(this))
  }
  // Dawn's Node binding refuses views of shared memory, which WebAssembly with threads hands over.
  const { writeBuffer } = GPUQueue.prototype
  GPUQueue.prototype.writeBuffer = function (
    this: GPUQueue,
    buffer: GPUBuffer,
    offset: number,
    data: ArrayBufferView<ArrayBuffer>,
    dataOffset = 0,
    size?: number,
  ) {
    const isShared = ArrayBuffer.isView(data) && !((data.buffer as ArrayBufferLike) instanceof ArrayBuffer)
    if (!isShared) return writeBuffer.call(this, buffer, offset, data, dataOffset, size)
    // Offset and size count elements of the view; WebAssembly's are bytes.
    const bytes = new Uint8Array(
      data.buffer,
      data.byteOffset + dataOffset,
      size ?? data.byteLength - dataOffset,
    )
    return writeBuffer.call(this, buffer, offset, new Uint8Array(bytes))
  }
  return caps.name
}
