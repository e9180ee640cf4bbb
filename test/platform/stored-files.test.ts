import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeOutputFolder, probeOutputFolder } from '../../src/platform/node/atomic.js'
import { removeAbandoned, temporaryName } from '../../src/platform/node/owner.js'
import { isIntact, storeFiles } from '../../src/platform/node/stored-files.js'

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return { ...fs, mkdir: vi.fn(fs.mkdir) }
})

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dff-stored-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const FILES = new Map([
  ['driver.so', new Uint8Array(5000).map((_, i) => i % 251)],
  ['driver.json', new TextEncoder().encode('{}')],
])
const NAMES = [...FILES.keys()]

describe('stored files', () => {
  const replaced = (file: string, make: () => Promise<unknown>) => async () => {
    await rm(file, { recursive: true })
    await make()
  }
  const damages: readonly [string, (folder: string) => Promise<unknown>][] = [
    [
      'an empty file',
      (f) => replaced(join(f, NAMES[0] as string), () => writeFile(join(f, 'driver.so'), ''))(),
    ],
    ['half a file', (f) => writeHalf(join(f, 'driver.so'))],
    ['a byte more', (f) => writable(join(f, 'driver.so'), (file) => appendFile(file, 'x'))],
    ['another byte', (f) => writable(join(f, 'driver.so'), (file) => flip(file))],
    [
      'a folder in its place',
      (f) => replaced(join(f, 'driver.so'), () => mkdir(join(f, 'driver.so', 'x'), { recursive: true }))(),
    ],
    [
      'a link in its place',
      (f) => replaced(join(f, 'driver.json'), () => symlink('/etc/hostname', join(f, 'driver.json')))(),
    ],
    [
      'a link to nothing',
      (f) => replaced(join(f, 'driver.json'), () => symlink('/no/where', join(f, 'driver.json')))(),
    ],
    ['no file', (f) => rm(join(f, 'driver.json'))],
    ['no record', (f) => rm(join(f, 'contents.json'))],
    ['a record that is null', (f) => writable(join(f, 'contents.json'), (file) => writeFile(file, 'null'))],
    ['a record of nothing', (f) => writable(join(f, 'contents.json'), (file) => writeFile(file, '{}'))],
    ['half a record', (f) => writeHalf(join(f, 'contents.json'))],
    ['an empty folder', (f) => replaced(f, () => mkdir(f))()],
    ['a file in place of the folder', (f) => replaced(f, () => writeFile(f, 'x'))()],
    ['a link in place of the folder', (f) => replaced(f, () => symlink('/etc', f))()],
  ]

  it.each(damages)('are found out and written again: %s', async (_, damage) => {
    const folder = join(root, 'stored')
    await storeFiles(folder, FILES)
    expect(await isIntact(folder, NAMES)).toBe(true)
    await damage(folder)
    expect(await isIntact(folder, NAMES)).toBe(false)
    await storeFiles(folder, FILES)
    expect(await isIntact(folder, NAMES)).toBe(true)
    expect((await readdir(folder)).sort()).toEqual([...NAMES, 'contents.json'].sort())
  })

  it('may be written by several at once', async () => {
    const folder = join(root, 'stored')
    await Promise.all(Array.from({ length: 8 }, () => storeFiles(folder, FILES)))
    expect(await isIntact(folder, NAMES)).toBe(true)
  })
})

describe('what killed processes left', () => {
  /** A name under which a process that has ended was at work. */
  function nameOfTheDead(name: string): string {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    return temporaryName(name).replace(`-${process.pid}-`, `-${pid}-`)
  }

  it('is removed, what the living are at work on stays', async () => {
    const dead = nameOfTheDead('flow.npy')
    const alive = temporaryName('flow.npy')
    const elsewhere = temporaryName('flow.npy').replace(/[0-9a-f]{6}-/, '000000-')
    const others = ['flow.npy', '.flow.npy.tmp', 'a.tmp', 'unpack-notes']
    for (const name of [dead, alive, elsewhere, ...others]) await writeFile(join(root, name), '')
    await makeOutputFolder(root)
    expect((await readdir(root)).sort()).toEqual([alive, elsewhere, ...others].sort())
  })

  it('is removed also where nobody asked how they ended, as in a container without an init', async () => {
    // Ends only once its parent has become one that never asks: a shell would.
    const ends = 'while [ -e /proc/$$ ] && [ "$(cat /proc/$$/comm)" != sleep ]; do sleep 0.01; done'
    const child = spawn('/bin/bash', ['-c', `(${ends}) & echo $!; exec sleep 60`])
    try {
      const [pid] = (await once(child.stdout, 'data')) as [Buffer]
      await vi.waitFor(
        () => expect(readFileSync(`/proc/${Number(pid)}/stat`, 'utf8')).toMatch(/\) Z /),
        20_000,
      )
      const dead = temporaryName('flow.npy').replace(`-${process.pid}-`, `-${Number(pid)}-`)
      await writeFile(join(root, dead), '')
      await makeOutputFolder(root)
      expect(await readdir(root)).toEqual([])
    } finally {
      child.kill()
    }
  })

  it('is removed below the cache folder, too', async () => {
    await mkdir(join(root, 'unpack-123456'))
    await mkdir(join(root, 'driver'))
    await writeFile(join(root, 'driver', nameOfTheDead('driver.so')), '')
    await removeAbandoned(root, /^unpack-/)
    expect(await readdir(root)).toEqual(['driver'])
    expect(await readdir(join(root, 'driver'))).toEqual([])
  })
})

describe('a folder for outputs', () => {
  it('is looked at again where another process that only looked has just taken it away', async () => {
    const folder = join(root, 'out')
    vi.mocked(mkdir).mockRejectedValueOnce(Object.assign(new Error('is there'), { code: 'EEXIST' }))
    await probeOutputFolder(folder)
    expect(await readdir(root)).toEqual([])
    await writeFile(folder, '')
    await expect(probeOutputFolder(folder)).rejects.toThrow(/something else is in the way/)
  })
})

async function writable(file: string, change: (file: string) => Promise<void>): Promise<void> {
  await chmod(file, 0o644)
  await change(file)
}

const writeHalf = (file: string): Promise<void> =>
  writable(file, async () => {
    const data = await readFile(file)
    await writeFile(file, data.subarray(0, data.length / 2))
  })

async function flip(file: string): Promise<void> {
  const data = await readFile(file)
  data[100] = (data[100] as number) ^ 1
  await writeFile(file, data)
}
