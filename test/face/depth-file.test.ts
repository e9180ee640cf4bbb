import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import { depthFileName, readDepthFile } from '../../src/face/depth-file.js'
import type { CreateOptions, RegisteredFlowResult } from '../../src/face/types.js'
import { summarise } from '../../src/io/summary.js'
import { type DepthSource, depthFromMotionShapes } from '../../src/nets/depth-from-motion.js'
import { DEPTH_METADATA, writeRandomDepth } from '../support/depth-weights.js'

const NETWORK = { name: 'dffnet-m', meshPrior: true } as const

let folder: string
let dffnet: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-depth-'))
  dffnet = join(folder, 'mine.safetensors')
  file = join(folder, 'mine-depth.safetensors')
  await symlink(resolve('weights/dffnet-m.safetensors'), dffnet)
})
beforeEach(() => rm(file, { force: true }))
afterAll(() => rm(folder, { recursive: true }))

describe('the file of depth from motion', () => {
  it('lies beside that of DFFNet', () => {
    expect(depthFileName('a/x.safetensors')).toBe('a/x-depth.safetensors')
    expect(depthFileName('a.safetensors/x')).toBe('a.safetensors/x-depth.safetensors')
  })

  it('is read where it lies there and not where the network’s depth is wanted', async () => {
    await writeRandomDepth(file, { hidden: 5 })
    for (const source of [undefined, 'motion'] as const) {
      expect(await readDepthFile(dffnet, NETWORK, source)).toMatchObject({
        config: { components: 6, hidden: 5, axes: 1 },
        weights: { name: file },
      })
    }
    expect(await readDepthFile(dffnet, NETWORK, 'network')).toBeUndefined()
  })

  it('says by the length of its last bias whether it corrects dz or all of the flow', async () => {
    await writeRandomDepth(file, { axes: 3 })
    expect(await readDepthFile(dffnet, NETWORK, 'motion')).toMatchObject({ config: { axes: 3 } })
  })

  it('may be missing unless it is asked for', async () => {
    expect(await readDepthFile(dffnet, NETWORK, undefined)).toBeUndefined()
    await expect(readDepthFile(dffnet, NETWORK, 'motion')).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message: expect.stringMatching(/mine-depth\.safetensors: there is no such file.*--depth network/),
    })
  })

  it.each([
    [{ metadata: { network: 'dffnet-m' } }, /holds the network dffnet-m, not depth-from-motion/],
    [{ metadata: { prior: '0' } }, /without the mesh prior, .*mine\.safetensors is one with/],
    [
      { metadata: { flows_of: 'dffnet-x' } },
      /was trained on the flows of dffnet-x, .*mine\.safetensors holds dffnet-m;/,
    ],
    [{ metadata: { unit: '10' } }, /unit = 10, this version has 20/],
    [{ metadata: { least_cover: '0.25' } }, /least_cover = 0\.25, this version has 0\.5/],
    [{ vertices: 400 }, /tensor "depth\.1\.weight" has shape \[6,3600\], needed is \[6,4212\]/],
    [{ outputs: 936 }, /tensor "depth\.4\.weight" has shape \[936,8\], needed is \[468,8\]/],
    [{ outputs: 1400 }, /tensor "depth\.4\.weight" has shape \[1400,8\], needed is \[468,8\]/],
  ])('is refused if it does not fit: %j', async (change, problem) => {
    await writeRandomDepth(file, change)
    for (const source of [undefined, 'motion'] as const) {
      const refusal = readDepthFile(dffnet, NETWORK, source)
      await expect(refusal).rejects.toMatchObject({
        code: 'INVALID_WEIGHTS',
        message: expect.stringMatching(problem),
      })
      await expect(refusal).rejects.toThrow(/mine-depth\.safetensors: .*--depth network/)
    }
  })

  it('fits a network without the mesh prior if it was trained for one', async () => {
    await writeRandomDepth(file, { metadata: { prior: '0' } })
    expect(await readDepthFile(dffnet, { ...NETWORK, meshPrior: false }, 'motion')).toMatchObject({
      config: { hidden: 8 },
    })
  })

  it('is refused if it is damaged', async () => {
    await writeFile(file, 'no weights')
    await expect(readDepthFile(dffnet, NETWORK, undefined)).rejects.toMatchObject({
      code: 'INVALID_WEIGHTS',
      message: expect.stringMatching(/mine-depth\.safetensors/),
    })
  })

  it('has the layers that the trainer names', () => {
    const shapes = [...depthFromMotionShapes({ components: 5, hidden: 7, axes: 1 }, false, 468)]
    expect(shapes).toEqual([
      ['depth.1.weight', [5, 468 * 6]],
      ['depth.1.bias', [5]],
      ['depth.2.weight', [7, 5]],
      ['depth.2.bias', [7]],
      ['depth.3.weight', [7, 7]],
      ['depth.3.bias', [7]],
      ['depth.4.weight', [468, 7]],
      ['depth.4.bias', [468]],
    ])
    const all = depthFromMotionShapes({ components: 5, hidden: 7, axes: 3 }, false, 468)
    expect([...all]).toEqual([
      ...shapes.slice(0, -2),
      ['depth.4.weight', [3 * 468, 7]],
      ['depth.4.bias', [3 * 468]],
    ])
    expect(DEPTH_METADATA.network).toBe('depth-from-motion')
  })
})

describe('DeepFaceFlow with depth from motion', () => {
  const frames = [1, 2].map((which) => `test/fixtures/dffnet/pair0-${which}.png`) as [string, string]
  const flowOf = async (options: CreateOptions): Promise<RegisteredFlowResult> => {
    const faceFlow = await DeepFaceFlow.create({ weights: dffnet, refinement: 'none', ...options })
    try {
      return await faceFlow.flowRegistered(...frames, { backward: false })
    } finally {
      faceFlow.dispose()
    }
  }

  it('changes dz on the face and nothing else, and says so', async () => {
    await writeRandomDepth(file)
    const [motion, network] = [await flowOf({}), await flowOf({ depth: 'network' })]
    expect([motion, network].map(({ depthSource }) => depthSource)).toEqual(['motion', 'network'])
    expect(summarise(motion, { a: 'a', b: 'b' })).toMatchObject({ depthSource: 'motion' })
    let [changed, face] = [0, 0]
    motion.flow.forEach((value, i) => {
      const other = network.flow[i]
      if (i % 3 === 2 && motion.mask[(i - 2) / 3] === 1) {
        face++
        if (Math.abs(value - (other as number)) > 1e-3) changed++
      } else if (value !== other) throw new Error(`value ${i} was ${other}, is ${value}`)
    })
    expect(changed / face).toBeGreaterThan(0.9)
  })

  it('changes all of the flow on the face, the ring too, where its layers say so', async () => {
    await writeRandomDepth(file, { axes: 3 })
    const [motion, network] = [await flowOf({}), await flowOf({ depth: 'network' })]
    expect([motion, network].map(({ depthSource }) => depthSource)).toEqual(['motion', 'network'])
    const changed = [0, 1, 2].map(() => ({ mesh: 0, ring: 0 }))
    const face = { mesh: 0, ring: 0 }
    motion.flow.forEach((value, i) => {
      const pixel = Math.floor(i / 3)
      const by = Math.abs(value - (network.flow[i] as number))
      if (motion.mask[pixel] === 0) {
        expect(by).toBe(0)
        return
      }
      const part = motion.meshMask[pixel] === 1 ? 'mesh' : 'ring'
      if (i % 3 === 0) face[part]++
      if (by > 1e-3) (changed[i % 3] as typeof face)[part]++
    })
    expect(face.ring).toBeGreaterThan(1000)
    for (const { mesh, ring } of changed) {
      expect(mesh / face.mesh).toBeGreaterThan(0.9)
      expect(ring / face.ring).toBeGreaterThan(0.9)
    }
  })

  it('refuses a source that does not exist before the GPU is opened, and a file that is missing', async () => {
    const wrong = { depth: 'stereo' as unknown as DepthSource }
    await expect(DeepFaceFlow.create(wrong)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'there is no depth source "stereo"; choose from motion, network',
    })
    const steps: string[] = []
    const missing = {
      weights: dffnet,
      depth: 'motion',
      onProgress: (step: string) => steps.push(step),
    } as const
    await expect(DeepFaceFlow.create(missing)).rejects.toMatchObject({ code: 'INVALID_WEIGHTS' })
    expect(steps).toEqual(['opening the GPU', 'reading the weights'])
  })
})
