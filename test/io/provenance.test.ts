import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Provenance, provenanceChanges, provenanceDigest } from '../../src/io/provenance.js'
import { assertUnchanged, hashFile } from '../../src/platform/node/hashed-file.js'

const base: Provenance = {
  version: '1.0.0',
  weights: { name: 'w', hash: 'aa', depthHash: 'bb' },
  options: { refinement: 'none', face: { index: 1 } },
  inputs: { 'photo A': '11', 'photo B': '22' },
}

describe('provenance', () => {
  it('has one digest however its keys are ordered, also after JSON', () => {
    const reordered = {
      inputs: { 'photo B': '22', 'photo A': '11' },
      options: { face: { index: 1 }, refinement: 'none' },
      weights: { depthHash: 'bb', hash: 'aa', name: 'w', epe: 1 },
      version: '1.0.0',
    }
    expect(provenanceDigest(reordered)).toBe(provenanceDigest(base))
    expect(provenanceChanges(JSON.parse(JSON.stringify(reordered)), base)).toEqual([])
  })

  it.each<[Partial<Provenance>, string[]]>([
    [{ version: '1.1.0' }, ['the version is 1.1.0, was 1.0.0']],
    [{ weights: { name: 'v', hash: 'cc', depthHash: 'bb' } }, ['the weights are v cc, were w aa']],
    [{ weights: { ...base.weights, depthHash: null } }, ['the weights of depth from motion are others']],
    [{ options: { ...base.options, refinement: 'all' } }, ['refinement is all, was none']],
    [{ options: { refinement: 'none' } }, ['face is not recorded, was {"index":1}']],
    [{ inputs: { ...base.inputs, 'photo B': '33' } }, ['photo B has other content']],
  ])('says what differs: %j', (change, said) => {
    const now = { ...base, ...change }
    expect(provenanceChanges(base, now)).toEqual(said)
    expect(provenanceDigest(now)).not.toBe(provenanceDigest(base))
  })

  it.each([null, undefined, 3, [], 'x', {}, { weights: null, options: [], inputs: 0 }])(
    'takes %j for no record, whatever stands in the file',
    (damaged) => {
      expect(provenanceChanges(damaged, base)).not.toEqual([])
    },
  )
})

describe('hashFile', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dff-hash-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('hashes the bytes, and notices when they change afterwards', async () => {
    const file = join(folder, 'a')
    await writeFile(file, 'abc')
    const hashed = await hashFile(file)
    expect(hashed.sha256).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    await assertUnchanged(hashed)
    await writeFile(file, 'abd')
    await expect(assertUnchanged(hashed)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('names a file that is missing or a folder', async () => {
    await expect(hashFile(join(folder, 'no'))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `${join(folder, 'no')}: does not exist; check the path`,
    })
    await expect(hashFile(folder)).rejects.toMatchObject({ message: `${folder}: is a folder; give a file` })
  })
})
