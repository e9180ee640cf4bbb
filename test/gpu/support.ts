import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  BufferUsage,
  type EngineDevice,
  MapMode,
  type OpenDeviceOptions,
  openDevice,
} from '../../src/gpu/device.js'
import type { KernelKey } from '../../src/gpu/kernel-cache.js'
import { packUniform } from '../../src/gpu/shader/reflect.js'

/** Folder of the kernels that only these tests use. */
export const TEST_KERNELS = fileURLToPath(new URL('./kernels', import.meta.url))

export const SCALE: KernelKey = { file: 'scale.wgsl', params: { LANES: 2, SHIFT: true, GROUP: 32 } }

export const openTestDevice = (options: OpenDeviceOptions = {}): Promise<EngineDevice> =>
  openDevice({ kernelRoot: TEST_KERNELS, ...options })

/** Runs the SCALE kernel on 0, 1, 2, ... and reads y = x * factor + x back. */
export async function runScale(device: EngineDevice, count: number, factor: number): Promise<Float32Array> {
  await device.kernels.compile([SCALE])
  const { iface, pipeline, layout } = device.kernels.get(SCALE)
  const { gpu, buffers } = device
  const bytes = count * 4
  const x = buffers.createBuffer({ size: bytes, usage: BufferUsage.STORAGE | BufferUsage.COPY_DST })
  const y = buffers.createBuffer({ size: bytes, usage: BufferUsage.STORAGE | BufferUsage.COPY_SRC })
  const params = buffers.createBuffer({
    size: iface.uniform?.size ?? 0,
    usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
  })
  const staging = buffers.createBuffer({ size: bytes, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST })
  const given: Record<string, GPUBuffer> = { params, x, y, unused: x }
  await device.scoped('scale', () => {
    gpu.queue.writeBuffer(
      x,
      0,
      Float32Array.from({ length: count }, (_, i) => i),
    )
    gpu.queue.writeBuffer(params, 0, packUniform(iface, { count, factor }))
    const entries = [...iface.bindings.values()].map(({ name, binding }) => {
      const buffer = given[name]
      if (!buffer) throw new Error(`no buffer for ${name}`)
      return { binding, resource: { buffer } }
    })
    const encoder = gpu.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, gpu.createBindGroup({ layout, entries }))
    pass.dispatchWorkgroups(Math.ceil(count / 64))
    pass.end()
    encoder.copyBufferToBuffer(y, 0, staging, 0, bytes)
    gpu.queue.submit([encoder.finish()])
  })
  await device.wait('read back', () => staging.mapAsync(MapMode.READ))
  const result = new Float32Array(staging.getMappedRange().slice(0))
  for (const buffer of [x, y, params, staging]) buffers.destroy(buffer)
  return result
}

export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Runs a TypeScript program of ./children in a process of its own; kills it after `timeoutMs`. */
export function runChild(
  name: string,
  {
    args = [],
    env = {},
    timeoutMs = 60_000,
  }: { args?: string[]; env?: NodeJS.ProcessEnv; timeoutMs?: number } = {},
): Promise<ChildResult> {
  const file = fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', '--import', TSX, file, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
