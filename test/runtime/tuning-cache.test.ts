import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadChoices, storeChoices, tuningFile, tuningIdentity } from '../../src/runtime/tuning-cache.js'
import { fakeCaps } from '../graph/caps.js'

const identity = tuningIdentity(fakeCaps(), 'hardware', 'f32')
const choices = { 'layer b': 'gemm-64x64', 'layer a': 'matrix-4x4' }
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-tuning-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('stored choices', () => {
  it('come back as they were, and leave nothing else behind', async () => {
    expect(await loadChoices(folder, identity)).toEqual({ choices: {} })
    await storeChoices(folder, identity, choices)
    await storeChoices(folder, identity, { ...choices, c: 'x' })
    expect(await loadChoices(folder, identity)).toEqual({ choices: { ...choices, c: 'x' } })
    expect(await readdir(folder)).toHaveLength(1)
  })

  it('are kept apart by adapter, driver, backend, schedule and storage', async () => {
    const others = [
      tuningIdentity(fakeCaps({ name: 'other' }), 'hardware', 'f32'),
      tuningIdentity(fakeCaps({ description: 'driver 2' }), 'hardware', 'f32'),
      tuningIdentity(fakeCaps({ backend: 'metal' }), 'hardware', 'f32'),
      tuningIdentity(fakeCaps(), 'software', 'f32'),
      tuningIdentity(fakeCaps(), 'hardware', 'f16'),
      { ...identity, engine: '0.0.1' },
    ]
    const files = await Promise.all([identity, ...others].map((one) => tuningFile(folder, one)))
    expect(new Set(files).size).toBe(files.length)
  })

  const stored = (changes: object) => JSON.stringify({ format: 1, identity, choices, ...changes })
  it.each([
    ['empty', ''],
    ['truncated', stored({}).slice(0, -20)],
    ['no object', '[1, 2]'],
    ['of another format', stored({ format: 2 })],
    ['of another driver', stored({ identity: { ...identity, driver: 'other' } })],
    ['of another version', stored({ identity: { ...identity, engine: '9.9.9' } })],
    ['without identity', stored({ identity: null })],
    ['of other values', stored({ choices: { a: 3 } })],
    ['without choices', stored({ choices: 'none' })],
  ])('a file that is %s is ignored with a warning, and written anew', async (_, text) => {
    const file = await tuningFile(folder, identity)
    await writeFile(file, text)
    const found = await loadChoices(folder, identity)
    expect(found.choices).toEqual({})
    expect(found.warning).toContain(file)
    await storeChoices(folder, identity, choices)
    expect(await loadChoices(folder, identity)).toEqual({ choices })
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ identity })
  })

  it('that cannot be read are a warning, not an error', async () => {
    const file = await tuningFile(folder, identity)
    await rm(folder, { recursive: true })
    await writeFile(folder, 'a file where the folder should be')
    const found = await loadChoices(folder, identity)
    expect(found).toMatchObject({ choices: {}, warning: expect.stringContaining(file) })
    await expect(storeChoices(folder, identity, choices)).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  })
})
