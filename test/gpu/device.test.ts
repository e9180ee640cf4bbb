import { afterEach, describe, expect, it } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { BufferUsage, type EngineDevice, MapMode, type OpenDeviceOptions } from '../../src/gpu/device.js'
import { listAdapters } from '../../src/gpu/doctor.js'
import { openTestDevice, runScale } from './support.js'

const opened: EngineDevice[] = []
async function open(options?: OpenDeviceOptions): Promise<EngineDevice> {
  const device = await openTestDevice(options)
  opened.push(device)
  return device
}
afterEach(() => {
  for (const device of opened.splice(0)) device.dispose()
})

async function errorOf(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof EngineError) return error
  throw error ?? new Error('nothing was thrown')
}

const thrownBy = (call: () => unknown): Promise<EngineError> => errorOf((async () => call())())

const staging = { size: 16, usage: BufferUsage.MAP_READ | BufferUsage.COPY_DST }

describe('openDevice', () => {
  it('says in one line what it took and why, and runs a kernel', async () => {
    const device = await open()
    expect(device.selection).toMatch(
      /^adapter: .+ \((software|hardware), \w+, (system|embedded) driver\), because .+$/,
    )
    expect([...(await runScale(device, 5, 2))]).toEqual([0, 3, 6, 9, 12])
  })

  it('asks for all that the adapter offers', async () => {
    const device = await open()
    const { caps } = device
    const [report] = (await listAdapters()).filter((adapter) => adapter.caps.name === caps.name)
    expect(caps.limits).toEqual(report?.caps.limits)
    expect(caps.subgroups).toBe(report?.features.includes('subgroups'))
    expect(caps.timestamps).toBe(report?.features.includes('timestamp-query'))
    expect(caps.f16).toBe(report?.features.includes('shader-f16'))
    if (caps.subgroups) expect(caps.subgroupMinSize).toBeGreaterThan(0)
  })

  it('takes an adapter by a part of its name, whatever the case', async () => {
    const [first] = await listAdapters()
    const device = await open({ adapter: (first?.device ?? '').slice(0, 6).toUpperCase() })
    expect(device.caps.name).toBe(first?.caps.name)
  })

  it('takes the choice from DEEPFACEFLOW_ADAPTER, and the option before it', async () => {
    const before = process.env.DEEPFACEFLOW_ADAPTER
    process.env.DEEPFACEFLOW_ADAPTER = 'no such adapter'
    try {
      expect((await errorOf(open())).message).toContain("'no such adapter'")
      expect((await open({ adapter: 'software' })).caps.software).toBe(true)
    } finally {
      if (before === undefined) delete process.env.DEEPFACEFLOW_ADAPTER
      else process.env.DEEPFACEFLOW_ADAPTER = before
    }
  })

  it('lists what was found when the choice is impossible', async () => {
    const error = await errorOf(open({ adapter: 'Voodoo 3dfx' }))
    const found = await listAdapters()
    expect(error.code).toBe('NO_ADAPTER')
    for (const { caps, device } of found) expect(error.message).toContain(`${caps.name}, called '${device}'`)
    expect(error.details.found).toEqual(
      found.map(({ caps, source }) => ({ name: caps.name, source, software: caps.software })),
    )
  })

  it('refuses to call a software adapter hardware', async () => {
    const found = await listAdapters()
    if (found.some(({ caps }) => !caps.software)) return
    expect((await errorOf(open({ adapter: 'hardware' }))).message).toMatch(/no hardware adapter: found: /)
  })

  it('opens several devices at once', async () => {
    const devices = await Promise.all([open(), open(), open({ adapter: 'software' })])
    const results = await Promise.all(devices.map((device) => runScale(device, 2, 4)))
    expect(results.map((values) => [...values])).toEqual([
      [0, 5],
      [0, 5],
      [0, 5],
    ])
  })

  it('computes the same without bounds checks in shaders', async () => {
    expect([...(await runScale(await open({ robustness: false }), 3, 4))]).toEqual([0, 5, 10])
  })

  it('keeps several devices apart', async () => {
    const [a, b] = [await open(), await open()]
    a.dispose()
    expect([...(await runScale(b, 3, 1))]).toEqual([0, 2, 4])
  })
})

describe("the caller's device", () => {
  it('is used, and outlives dispose()', async () => {
    const owner = await open()
    const guest = await open({ device: owner.gpu })
    expect(guest.gpu).toBe(owner.gpu)
    expect(guest.selection).toMatch(/device of the caller/)
    expect(guest.caps).toEqual(owner.caps)
    expect([...(await runScale(guest, 2, 4))]).toEqual([0, 5])
    const mine = owner.buffers.createBuffer(staging)
    guest.buffers.createBuffer(staging)
    guest.dispose()
    expect(guest.buffers.liveBuffers).toBe(0)
    expect(owner.buffers.owns(mine)).toBe(true)
    expect([...(await runScale(owner, 2, 4))]).toEqual([0, 5])
  })
})

describe('BufferLedger', () => {
  it('counts live and peak bytes, and frees once', async () => {
    const { buffers } = await open()
    const a = buffers.createBuffer({ size: 256, usage: BufferUsage.STORAGE })
    const b = buffers.createBuffer({ size: 1024, usage: BufferUsage.STORAGE })
    expect([buffers.liveBuffers, buffers.liveBytes, buffers.peakBytes]).toEqual([2, 1280, 1280])
    buffers.destroy(b)
    buffers.destroy(b)
    expect([buffers.liveBuffers, buffers.liveBytes, buffers.peakBytes]).toEqual([1, 256, 1280])
    expect([buffers.owns(a), buffers.owns(b)]).toEqual([true, false])
    buffers.destroyAll()
    expect([buffers.liveBuffers, buffers.liveBytes, buffers.peakBytes]).toEqual([0, 0, 1280])
  })

  it('refuses a buffer above the limit before the device does', async () => {
    const { buffers, caps } = await open()
    const size = caps.limits.maxBufferSize + 4
    const error = await thrownBy(() =>
      buffers.createBuffer({ label: 'weights', size, usage: BufferUsage.STORAGE }),
    )
    expect(error.code).toBe('UNSUPPORTED')
    expect(error.message).toContain(`'weights' of ${size} bytes`)
    expect(buffers.liveBuffers).toBe(0)
  })
})

describe('errors of the device', () => {
  it('reach the caller of scoped() with the label', async () => {
    const device = await open()
    const error = await errorOf(
      device.scoped('make group', () => device.gpu.createBuffer({ size: 16, usage: 0x10000 })),
    )
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(/^make group: .*65536/s)
    expect(await device.scoped('fine', () => 42)).toBe(42)
    expect(() => device.assertUsable()).not.toThrow()
  })

  it('passes on what the work itself throws, with the scopes closed', async () => {
    const device = await open()
    const failing = device.scoped('work', () => {
      throw new RangeError('of the work')
    })
    await expect(failing).rejects.toThrow(new RangeError('of the work'))
    device.gpu.createBuffer({ size: 16, usage: 0x10000 })
    await device.wait('settle', () => device.gpu.queue.onSubmittedWorkDone())
    // Not swallowed by a scope left open.
    expect((await thrownBy(() => device.assertUsable())).code).toBe('INVALID_ARGUMENT')
  })

  it('outside any scope are thrown once by the next call', async () => {
    const device = await open()
    device.gpu.createBuffer({ size: 16, usage: 0x10000 })
    await device.wait('settle', () => device.gpu.queue.onSubmittedWorkDone())
    const error = await thrownBy(() => device.buffers.createBuffer(staging))
    expect(error.message).toMatch(/outside any error scope.*65536/s)
    expect(device.buffers.createBuffer(staging).size).toBe(16)
  })

  it('reject a wait with an EngineError', async () => {
    const device = await open()
    const buffer = device.buffers.createBuffer({ size: 16, usage: BufferUsage.STORAGE })
    const error = await errorOf(device.wait('read weights', () => buffer.mapAsync(MapMode.READ)))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(/^read weights: /)
  })
})

describe('the end of a device', () => {
  it('by loss rejects what is in flight and every later call with DEVICE_LOST', async () => {
    const device = await open()
    const buffer = device.buffers.createBuffer(staging)
    const inFlight = errorOf(device.wait('read back', () => buffer.mapAsync(MapMode.READ)))
    device.gpu.destroy()
    expect((await inFlight).code).toBe('DEVICE_LOST')
    const lost = await device.lost
    expect(lost.code).toBe('DEVICE_LOST')
    expect(await thrownBy(() => device.assertUsable())).toBe(lost)
    expect(await thrownBy(() => device.buffers.createBuffer(staging))).toBe(lost)
    expect((await errorOf(runScale(device, 2, 2))).code).toBe('DEVICE_LOST')
    device.dispose()
    expect(device.buffers.liveBuffers).toBe(0)
  })

  it('by dispose() rejects with DISPOSED, twice without harm, and is no loss', async () => {
    const device = await open()
    const buffer = device.buffers.createBuffer(staging)
    const inFlight = errorOf(device.wait('read back', () => buffer.mapAsync(MapMode.READ)))
    let lost = false
    void device.lost.then(() => {
      lost = true
    })
    device.dispose()
    device.dispose()
    expect((await inFlight).code).toBe('DISPOSED')
    expect((await thrownBy(() => device.assertUsable())).code).toBe('DISPOSED')
    expect((await errorOf(device.scoped('work', () => 1))).code).toBe('DISPOSED')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(lost).toBe(false)
  })
})
