import { spawnSync } from 'node:child_process'
import { mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { removePendingFiles } from '../../src/platform/node/atomic.js'
import { describeOwner, type FolderLock, takeLock } from '../../src/platform/node/folder-lock.js'

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>()
  return { ...fs, open: vi.fn(fs.open), rm: vi.fn(fs.rm) }
})

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-lock-'))
  file = join(folder, '.lock')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function taken(): Promise<FolderLock> {
  const answer = await takeLock(file)
  if ('heldBy' in answer) throw new Error(`held by ${describeOwner(answer.heldBy)}`)
  return answer.lock
}

const owner = (facts: object) =>
  JSON.stringify({ pid: 1, host: hostname(), started: null, since: 'then', token: 'x', ...facts })

describe('takeLock', () => {
  it('gives the lock to one, names it to the others, and to the next after its release', async () => {
    const lock = await taken()
    const second = await takeLock(file)
    expect(second).toMatchObject({ heldBy: { pid: process.pid, host: hostname() } })
    await lock.release()
    expect(await readdir(folder)).toEqual([])
    await (await taken()).release()
  })

  it.each([
    ['a process that has ended', () => owner({ pid: spawnSync('true').pid })],
    ['an earlier process of our number', () => owner({ pid: process.pid })],
    ['an earlier process of a number that is used again', () => owner({ pid: process.ppid, started: '1' })],
  ])('takes over what %s left, one of many at a time', async (_what, text) => {
    await writeFile(file, text())
    const answers = await Promise.all(Array.from({ length: 8 }, () => takeLock(file)))
    expect(answers.filter((answer) => 'lock' in answer)).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['.lock'])
  })

  it.each([
    ['a running process', () => owner({ pid: process.ppid })],
    ['a process of another machine', () => owner({ host: 'elsewhere' })],
    ['something that is no lock', () => 'notes of a person'],
    ['a process that is about to write its name', () => ''],
  ])('leaves that of %s alone', async (_what, text) => {
    await writeFile(file, text())
    expect(await takeLock(file)).toHaveProperty('heldBy')
    expect(await readFile(file, 'utf8')).toBe(text())
  })

  it('takes over an empty one whose process was killed before it wrote its name', async () => {
    await writeFile(file, '')
    await utimes(file, new Date(0), new Date(0))
    await (await taken()).release()
  })

  it('releases only its own, and is gone when a signal ends the process', async () => {
    const lock = await taken()
    await writeFile(file, owner({ host: 'elsewhere' }))
    await lock.release()
    expect(await readdir(folder)).toEqual(['.lock'])
    await rm(file)
    await taken()
    removePendingFiles()
    expect(await readdir(folder)).toEqual([])
  })

  it('stays where it cannot be removed, without a word, and is taken over', async () => {
    const lock = await taken()
    vi.mocked(rm).mockRejectedValueOnce(Object.assign(new Error('read-only'), { code: 'EROFS' }))
    await lock.release()
    expect(await readdir(folder)).toEqual(['.lock'])
    await (await taken()).release()
    expect(await readdir(folder)).toEqual([])
  })

  it('leaves neither a file nor an open one on a full disk', async () => {
    const handle = await open(file, 'w')
    vi.mocked(open).mockResolvedValueOnce(handle)
    handle.writeFile = async () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
    const full = /\.lock: the disk is full/
    await expect(takeLock(file)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(full),
    })
    expect(handle.fd).toBe(-1)
    expect(await readdir(folder)).toEqual([])
  })

  it('says why it cannot be made', async () => {
    await expect(takeLock(join(folder, 'missing', '.lock'))).rejects.toMatchObject({ code: 'OUTPUT_FAILED' })
  })
})
