import type { EngineDevice } from '../gpu/device.js'
import { type KernelKey, kernelId } from '../gpu/kernel-cache.js'
import type { CheckedExternal } from './device-data.js'
import type { Region } from './executor.js'

/** Edge of the square workgroups of the kernels. */
const TILE = 8

interface Recorded {
  readonly region: Region
  readonly pipeline: GPUComputePipeline
  readonly bindGroup: GPUBindGroup
}

/**
 * Copies between textures of the caller and plain buffers, by kernels: WebGPU's own copies want rows of multiples of 256 bytes, and
 * know nothing of formats. What a texture needs is made when it is first seen and kept as long as it lives.
 */
export class TextureCopies {
  readonly #device: EngineDevice
  readonly #pipelines = new Map<string, GPUComputePipeline>()
  #bilinear: GPUSampler | undefined
  readonly #recorded = new WeakMap<GPUTexture, Map<string, Recorded>>()

  private constructor(device: EngineDevice) {
    this.#device = device
  }

  static of(device: EngineDevice): TextureCopies {
    const known = COPIES.get(device)
    if (known !== undefined) return known
    const copies = new TextureCopies(device)
    COPIES.set(device, copies)
    return copies
  }

  /** RGBA8 pixels of a texture, into a part of a buffer. */
  read(pass: GPUComputePassEncoder, texture: GPUTexture, region: Region): void {
    const key = { file: 'texture_to_pixels.wgsl', params: { SRGB: texture.format.endsWith('-srgb') } }
    this.#dispatch(pass, key, texture, region, (view, buffer) => [view, buffer])
  }

  /** RGBA8 pixels of a video's picture, scaled to their size, into a part of a buffer. Nothing is kept: it lives for a task. */
  readExternal(
    pass: GPUComputePassEncoder,
    { external, width, height }: CheckedExternal,
    region: Region,
  ): void {
    const { gpu } = this.#device
    const key = { file: 'external_to_pixels.wgsl', params: { WIDTH: width, HEIGHT: height } }
    const pipeline = this.#pipeline(key, kernelId(key))
    this.#bilinear ??= gpu.createSampler({ magFilter: 'linear', minFilter: 'linear' })
    const entries = [external, this.#bilinear, region].map((resource, binding) => ({ binding, resource }))
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
    pass.dispatchWorkgroups(Math.ceil(width / TILE), Math.ceil(height / TILE))
  }

  /** A map, or RGBA8 pixels, in a part of a buffer, into a texture. */
  write(
    pass: GPUComputePassEncoder,
    texture: GPUTexture,
    region: Region,
    { channels, isPixels }: { readonly channels: number; readonly isPixels: boolean },
  ): void {
    const params = { FORMAT: texture.format, CHANNELS: channels, PIXELS: isPixels }
    this.#dispatch(pass, { file: 'map_to_texture.wgsl', params }, texture, region, (view, buffer) => [
      buffer,
      view,
    ])
  }

  #dispatch(
    pass: GPUComputePassEncoder,
    kernel: KernelKey,
    texture: GPUTexture,
    region: Region,
    order: (view: GPUTextureView, buffer: GPUBufferBinding) => readonly GPUBindingResource[],
  ): void {
    const { gpu } = this.#device
    const id = kernelId(kernel)
    let ofTexture = this.#recorded.get(texture)
    if (ofTexture === undefined) {
      ofTexture = new Map()
      this.#recorded.set(texture, ofTexture)
    }
    let recorded = ofTexture.get(id)
    if (recorded?.region.buffer !== region.buffer || recorded.region.offset !== region.offset) {
      const pipeline = this.#pipeline(kernel, id)
      const view = texture.createView({ baseMipLevel: 0, mipLevelCount: 1 })
      const entries = order(view, region).map((resource, binding) => ({ binding, resource }))
      const bindGroup = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
      recorded = { region, pipeline, bindGroup }
      ofTexture.set(id, recorded)
    }
    pass.setPipeline(recorded.pipeline)
    pass.setBindGroup(0, recorded.bindGroup)
    pass.dispatchWorkgroups(Math.ceil(texture.width / TILE), Math.ceil(texture.height / TILE))
  }

  /** Made at once and not beside other work: the run that needs it is submitted before its call returns. */
  #pipeline(kernel: KernelKey, id: string): GPUComputePipeline {
    const known = this.#pipelines.get(id)
    if (known !== undefined) return known
    const { gpu, kernels } = this.#device
    const module = gpu.createShaderModule({ label: kernel.file, code: kernels.codeOf(kernel) })
    const compute = { module, entryPoint: 'main' }
    const pipeline = gpu.createComputePipeline({ label: kernel.file, layout: 'auto', compute })
    this.#pipelines.set(id, pipeline)
    return pipeline
  }
}

const COPIES = new WeakMap<EngineDevice, TextureCopies>()
