import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { makeProduct } from '../../src/io/product-list.js'
import { writeProducts } from '../../src/io/products.js'
import { mouthOpening, syntheticResult } from '../support/synthetic.js'

const result = await syntheticResult(mouthOpening)

it.each(['flow.npy', 'flow.flo', 'mask.png', 'mesh_a.mtl', 'motion.glb'])(
  'makes %s as it is written',
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'dff-make-'))
    try {
      // Half precision and axes are those of the call in both.
      await writeProducts(result, folder, { only: ['data', 'meshes'], half: true, up: 'y' })
      const made = await makeProduct(result, name, { half: true, up: 'y' })
      expect(Buffer.from(made as Uint8Array).equals(await readFile(join(folder, name)))).toBe(true)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

it('gives null for what the result does not hold, and refuses what is no file', async () => {
  const { backwardFlow: _flow, confidence: _confidence, occlusion: _occlusion, ...forward } = result
  expect(await makeProduct(forward, 'confidence.npy')).toBeNull()
  await expect(makeProduct(result, 'flow.txt')).rejects.toThrow('no product is called "flow.txt"')
  await expect(makeProduct(result, 'data')).rejects.toThrow('"data" is not the name of a file')
  await expect(makeProduct(result, 'result.json')).rejects.toThrow('is not the name of a file')
})
