import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../src/errors.js'
import type { EngineDevice } from '../../src/gpu/device.js'
import { KernelCache, kernelId } from '../../src/gpu/kernel-cache.js'
import { openTestDevice, SCALE, TEST_KERNELS } from './support.js'

let device: EngineDevice
beforeEach(async () => {
  device = await openTestDevice()
})
afterEach(() => device.dispose())

async function errorOf(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EngineError) return error
  throw error ?? new Error('nothing was thrown')
}

const broken = (BAD: number, GROUP = 4) => ({ file: 'broken.wgsl', params: { BAD, GROUP } })

describe('KernelCache', () => {
  it('compiles each distinct code once, also when asked several times at once', async () => {
    const create = vi.spyOn(device.gpu, 'createComputePipelineAsync')
    const other = { ...SCALE, params: { ...SCALE.params, LANES: 4 } }
    // Different parameters, same code after preprocessing.
    const same = { ...SCALE, params: { ...SCALE.params, SHIFT: 1 } }
    await Promise.all([
      device.kernels.compile([SCALE, other, same, { ...SCALE, params: { ...SCALE.params } }]),
      device.kernels.compile([SCALE, other]),
    ])
    await device.kernels.compile([SCALE, same])
    expect(create).toHaveBeenCalledTimes(2)
    expect(device.kernels.size).toBe(2)
    expect(device.kernels.get(same).pipeline).toBe(device.kernels.get(SCALE).pipeline)
    expect(device.kernels.get(other).pipeline).not.toBe(device.kernels.get(SCALE).pipeline)
  })

  it('reports progress from 0 to the number of distinct pipelines', async () => {
    const keys = [1, 2, 3, 3].map((LANES) => ({ ...SCALE, params: { ...SCALE.params, LANES } }))
    const seen: [number, number][] = []
    await device.kernels.compile(keys, (done, total) => seen.push([done, total]))
    expect(seen).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
      [3, 3],
    ])
  })

  it('knows an interface without any device', () => {
    const cache = new KernelCache(
      {
        get gpu(): GPUDevice {
          throw new Error('the device was touched')
        },
        assertUsable: () => {},
        wait: () => Promise.reject(new Error('the device was touched')),
      },
      TEST_KERNELS,
    )
    const iface = cache.interfaceOf(SCALE)
    expect(iface.workgroupSize).toEqual([32, 1, 1])
    expect([...iface.bindings.keys()]).toEqual(['params', 'x', 'y', 'unused'])
    expect(cache.interfaceOf({ ...SCALE, params: { ...SCALE.params } })).toBe(iface)
  })

  it('finds the kernels of the package by itself', () => {
    const error = (() => {
      try {
        new KernelCache(device).interfaceOf({ file: 'no-such-kernel.wgsl', params: {} })
      } catch (caught) {
        return caught
      }
    })()
    expect(error).toMatchObject({ code: 'INVALID_SHADER' })
    expect(String(error)).toMatch(/cannot read kernel file no-such-kernel\.wgsl below .*kernels/)
  })

  it('shows file, line, column and the preprocessed line of a compile error', async () => {
    const error = await errorOf(device.kernels.compile([broken(1)]))
    expect(error.code).toBe('INVALID_SHADER')
    expect(error.message).toContain('broken.wgsl(BAD=1, GROUP=4) does not compile')
    expect(error.message).toMatch(/^broken\.wgsl:11:8: error: .*'u32'.*'f32'/m)
    expect(error.message).toContain('      y[0] = params.count;\n           ^')
    expect(() => device.assertUsable()).not.toThrow()
  })

  it('maps an error in an include to the include', async () => {
    const error = await errorOf(device.kernels.compile([broken(2)]))
    expect(error.message).toMatch(/^include\/wrong\.wgsl:3:\d+: error: .*nowhere/m)
  })

  it('keeps good kernels when another fails, and throws for kernels that were not compiled', async () => {
    const error = await errorOf(device.kernels.compile([SCALE, broken(1)]))
    expect(error.code).toBe('INVALID_SHADER')
    await device.kernels.compile([SCALE, broken(0)])
    expect(device.kernels.get(broken(0)).iface.entryPoint).toBe('main')
    expect(() => device.kernels.get(broken(1))).toThrow(`kernel ${kernelId(broken(1))} is not compiled`)
  })

  it('refuses a workgroup above the limits of the adapter', async () => {
    const error = await errorOf(device.kernels.compile([broken(0, 1 << 20)]))
    expect(error.code).toBe('UNSUPPORTED')
    expect(error.message).toContain('workgroup size 1048576x1x1')
  })

  it('hoists enable lines, so that a variant may use subgroups', async () => {
    if (!device.caps.subgroups) return
    await expect(device.kernels.compile([broken(3)])).resolves.toBeUndefined()
  })
})
