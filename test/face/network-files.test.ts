import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadNetworkFiles, measuredEpe, SHIPPED_NETWORKS } from '../../src/face/network-files.js'

describe('weights of the face level', () => {
  it('are read and named', async () => {
    const files = await loadNetworkFiles()
    expect(files.info).toMatchObject({
      name: 'dffnet-m',
      hash: files.dffnet.hash,
      depthHash: files.depth?.weights.hash,
    })
    expect(files.dffnetConfig).toEqual({ a: 0.375, meshPrior: true, fineMatching: true })
    expect(files.depth?.weights.name).toMatch(/dffnet-m-depth\.safetensors$/)
    expect(files.triangles).toHaveLength(898 * 3)
    expect(files.ncc).toHaveLength(468 * 3)
    expect(files.ncc.every((value) => value >= 0 && value <= 1)).toBe(true)
  })

  it.each(SHIPPED_NETWORKS)('are there by the name %s, with depth from motion', async (name) => {
    const { info, depth } = await loadNetworkFiles(name)
    expect(info.name).toBe(name)
    const isEightBit = name.endsWith('-8bit')
    // Stated for the file in f16, and not measured on all those pairs again.
    if (isEightBit) expect(info.epe).toBeNull()
    else expect(info.epe).toBeLessThan(2)
    expect(depth?.weights.metadata.flows_of).toBe(name.replace('-8bit', ''))
  })

  it('of 8 bits are at most 8 MB in all, mesh networks included', async () => {
    const read = new Map<string, number>()
    const files = await loadNetworkFiles('dffnet-m-small-8bit', 'motion', {
      onDownload: ({ file, loaded }) => read.set(file, loaded),
    })
    expect([...read.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(8_000_000)
    expect(read.size).toBe(9)
    for (const { name, metadata } of [files.landmarks, files.meshRegressor, files.dffnet]) {
      expect(name).toMatch(/-8bit\.safetensors$/)
      expect(metadata.epe).toBeUndefined()
    }
  })

  it('are refused by another name with those that there are', async () => {
    await expect(loadNetworkFiles('small')).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message:
        'the package has no network "small"; choose from dffnet-m, dffnet-m-small, dffnet-m-small-8bit, or give a .safetensors file',
    })
  })

  it('must be those of a DFFNet', async () => {
    const other = fileURLToPath(new URL('../../weights/mesh-regressor.safetensors', import.meta.url))
    await expect(loadNetworkFiles(other)).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message: expect.stringMatching(/mesh-regressor.* is no DFFNet weight file/),
    })
  })

  it('state their error on the rendered test set, or none', () => {
    expect(measuredEpe('{"photowarp-1": {"epe3d": 1}, "rendered-1": {"epe3d": 2.5, "dz": 2}}')).toBe(2.5)
    for (const none of [undefined, '{}', '{"rendered-1": {}}', '{"rendered-1": null}', 'null', 'not JSON']) {
      expect(measuredEpe(none)).toBeNull()
    }
  })
})
