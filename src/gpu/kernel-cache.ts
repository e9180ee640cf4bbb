import { EngineError } from '../errors.js'
import { KernelSource, processors } from '../platform/index.js'
import { messageOf } from '../realms.js'
import { ShaderStage } from './constants.js'
import type { KernelInterface } from './shader/interface.js'
import { formatMessage } from './shader/locate.js'
import { type PreprocessedShader, preprocess, type ShaderParams } from './shader/preprocess.js'
import { reflectKernel } from './shader/reflect.js'

/** One variant of one kernel file. */
export interface KernelKey {
  /** Relative to the kernel root, as in 'conv2d.wgsl'. */
  readonly file: string
  readonly params: ShaderParams
  /** The text of the file, where it is none below the kernel root. */
  readonly code?: string
}

export interface CompiledKernel {
  readonly key: KernelKey
  readonly iface: KernelInterface
  readonly pipeline: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

interface Variant {
  readonly shader: PreprocessedShader
  readonly iface: KernelInterface
}

type Pipeline = Pick<CompiledKernel, 'pipeline' | 'layout'>

/** The parts of an engine device that compiling needs. */
export interface CompileHost {
  readonly gpu: GPUDevice
  assertUsable(): void
  /** Waits for one asynchronous WebGPU operation. */
  wait<T>(label: string, start: () => Promise<T>): Promise<T>
}

/** Printable identity of a kernel variant. */
export function kernelId(key: KernelKey): string {
  const params = Object.entries(key.params)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `${key.file}(${params.join(', ')})`
}

/**
 * Preprocessed, reflected and compiled kernels of one device. Variants whose final code is the same share
 * one pipeline.
 */
export class KernelCache {
  readonly #variants = new Map<string, Variant>()
  /** By final code; holds pipelines in the making too, so that nothing is compiled twice. */
  readonly #compiling = new Map<string, Promise<Pipeline>>()
  readonly #ready = new Map<string, Pipeline>()
  readonly #source: KernelSource

  /** @param root folder of the kernel files; the package's kernels/ when left out */
  constructor(
    private readonly host: CompileHost,
    root?: string,
  ) {
    this.#source = new KernelSource(root)
  }

  /** Pipelines compiled so far. */
  get size(): number {
    return this.#ready.size
  }

  #variant(key: KernelKey): Variant {
    const { file, params, code } = key
    const id = code === undefined ? kernelId(key) : `${kernelId(key)} ${code}`
    let variant = this.#variants.get(id)
    if (!variant) {
      const load = (name: string) => (name === file && code !== undefined ? code : this.#source.load(name))
      const shader = preprocess(file, params, load)
      variant = { shader, iface: reflectKernel(shader) }
      this.#variants.set(id, variant)
    }
    return variant
  }

  /**
   * Final code of a kernel that is driven without reflection, such as one on textures.
   * @throws EngineError INVALID_SHADER
   */
  codeOf(key: KernelKey): string {
    return preprocess(key.file, key.params, this.#source.load).code
  }

  /**
   * What the kernel asks of its caller. Does no device work.
   *
   * @throws EngineError INVALID_SHADER
   */
  interfaceOf(key: KernelKey): KernelInterface {
    return this.#variant(key).iface
  }

  /**
   * Compiles kernels that are not compiled yet, as many at a time as there are cores.
   *
   * @param onProgress called with the count of distinct pipelines done and wanted, also once at 0
   * @throws EngineError INVALID_SHADER with file, line, column and source line of every message;
   *   UNSUPPORTED if a workgroup is too large for the adapter
   */
  async compile(
    keys: readonly KernelKey[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<void> {
    const wanted = new Map<string, Variant>()
    for (const key of keys) {
      const variant = this.#variant(key)
      wanted.set(variant.shader.code, variant)
    }
    const queue = [...wanted.values()]
    let done = 0
    onProgress?.(0, wanted.size)
    const worker = async (): Promise<void> => {
      for (let variant = queue.shift(); variant; variant = queue.shift()) {
        await this.#pipeline(variant)
        onProgress?.(++done, wanted.size)
      }
    }
    await Promise.all(Array.from({ length: Math.min(processors(), queue.length) }, worker))
  }

  /**
   * A compiled kernel.
   *
   * @throws EngineError INVALID_ARGUMENT if it was not given to `compile` before
   */
  get(key: KernelKey): CompiledKernel {
    const variant = this.#variant(key)
    const pipeline = this.#ready.get(variant.shader.code)
    if (!pipeline)
      throw new EngineError(
        'INVALID_ARGUMENT',
        `kernel ${kernelId(key)} is not compiled; call compile() first`,
      )
    return { key, iface: variant.iface, ...pipeline }
  }

  #pipeline(variant: Variant): Promise<Pipeline> {
    const { code } = variant.shader
    let pending = this.#compiling.get(code)
    if (!pending) {
      pending = this.#build(variant)
      this.#compiling.set(code, pending)
      pending.then(
        (pipeline) => this.#ready.set(code, pipeline),
        // A failure is reported to whoever waits; the next compile() may try again.
        () => this.#compiling.delete(code),
      )
    }
    return pending
  }

  async #build({ shader, iface }: Variant): Promise<Pipeline> {
    const { gpu } = this.host
    this.host.assertUsable()
    this.#checkWorkgroup(iface)
    // The scope is closed in the same turn, so scopes of other work cannot get between.
    gpu.pushErrorScope('validation')
    const module = gpu.createShaderModule({ label: shader.file, code: shader.code })
    const scope = this.host.wait(shader.file, () => gpu.popErrorScope())
    const [error, info] = await Promise.all([
      scope,
      this.host.wait(shader.file, () => module.getCompilationInfo()),
    ])
    const errors = info.messages.filter((message) => message.type === 'error')
    if (errors.length > 0)
      throw invalid(shader, errors.map((message) => formatMessage(shader, message)).join('\n'))
    if (error) throw invalid(shader, `${shader.file}: ${error.message}`)

    // An 'auto' layout would leave out bindings that a variant declares but does not use.
    gpu.pushErrorScope('validation')
    const layout = gpu.createBindGroupLayout({
      label: shader.file,
      entries: [...iface.bindings.values()].map(({ binding, kind, access }) => ({
        binding,
        visibility: ShaderStage.COMPUTE,
        buffer: {
          type: kind === 'uniform' ? 'uniform' : access === 'read' ? 'read-only-storage' : 'storage',
        },
      })),
    })
    const pipelineLayout = gpu.createPipelineLayout({ bindGroupLayouts: [layout] })
    const layoutError = await this.host.wait(shader.file, () => gpu.popErrorScope())
    if (layoutError) throw invalid(shader, `${shader.file}: ${layoutError.message}`)
    try {
      const pipeline = await this.host.wait(shader.file, () =>
        gpu.createComputePipelineAsync({
          label: shader.file,
          layout: pipelineLayout,
          compute: { module, entryPoint: iface.entryPoint },
        }),
      )
      return { pipeline, layout }
    } catch (cause) {
      if (cause instanceof EngineError && cause.code !== 'INVALID_SHADER') throw cause
      throw invalid(shader, `${shader.file}: ${messageOf(cause)}`, cause)
    }
  }

  #checkWorkgroup(iface: KernelInterface): void {
    const limits = this.host.gpu.limits
    const [x, y, z] = iface.workgroupSize
    const fits =
      x <= limits.maxComputeWorkgroupSizeX &&
      y <= limits.maxComputeWorkgroupSizeY &&
      z <= limits.maxComputeWorkgroupSizeZ &&
      x * y * z <= limits.maxComputeInvocationsPerWorkgroup
    if (!fits)
      throw new EngineError(
        'UNSUPPORTED',
        `${iface.file}: workgroup size ${x}x${y}x${z} exceeds this adapter's limits ` +
          `(${limits.maxComputeInvocationsPerWorkgroup} invocations, ${limits.maxComputeWorkgroupSizeX}x` +
          `${limits.maxComputeWorkgroupSizeY}x${limits.maxComputeWorkgroupSizeZ})`,
        { file: iface.file, workgroupSize: iface.workgroupSize },
      )
  }
}

function invalid(shader: PreprocessedShader, report: string, cause?: unknown): EngineError {
  const variant = kernelId({ file: shader.file, params: shader.params })
  return new EngineError(
    'INVALID_SHADER',
    `${variant} does not compile:\n${report}`,
    { file: shader.file },
    { cause },
  )
}
