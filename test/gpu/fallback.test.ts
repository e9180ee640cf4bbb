import { afterEach, describe, expect, it, vi } from 'vitest'

/** Adapters that answer, and give no device when asked for one. */

type Platform = typeof import('../../src/platform/index.js')

const broken = new Set<string>()
const asked: string[] = []

vi.mock('../../src/platform/index.js', async (importOriginal) => {
  const platform = await importOriginal<Platform>()
  const chooseAdapter: Platform['chooseAdapter'] = async (choice, options) => {
    asked.push(choice)
    const found = await platform.chooseAdapter(choice === 'auto' ? 'software' : choice, options)
    const caps = choice === 'auto' ? { ...found.caps, name: 'Voodoo 3dfx', software: false } : found.caps
    if (!broken.has(choice)) return { ...found, caps }
    const adapter = {
      features: found.adapter.features,
      limits: found.adapter.limits,
      info: found.adapter.info,
      requestDevice: () => Promise.reject(new Error('the driver is out of order')),
    } as unknown as GPUAdapter
    return { ...found, caps, adapter }
  }
  return { ...platform, chooseAdapter }
})

const { openDevice } = await import('../../src/gpu/device.js')

afterEach(() => {
  broken.clear()
  asked.length = 0
})

describe('an adapter that gives no device', () => {
  it('is followed by the next kind where the choice was free, and the line says why', async () => {
    broken.add('auto')
    const device = await openDevice({ adapter: 'auto' })
    expect(device.caps.software).toBe(true)
    expect(device.selection).toMatch(
      /because adapter Voodoo 3dfx gives no device: the driver is out of order$/,
    )
    device.dispose()
  })

  it('is an error where it was asked for, and where no other gives one', async () => {
    broken.add('hardware').add('auto').add('software').add('embedded')
    await expect(openDevice({ adapter: 'software' })).rejects.toMatchObject({
      code: 'NO_ADAPTER',
      message: expect.stringMatching(/gives no device: the driver is out of order/),
    })
    expect(asked).toEqual(['software'])
    await expect(openDevice({ adapter: 'auto' })).rejects.toMatchObject({
      code: 'NO_ADAPTER',
      message: expect.stringMatching(/^adapter Voodoo 3dfx gives no device: .*; adapter .* gives no device/),
    })
  })
})
