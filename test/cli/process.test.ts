import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PHOTO_A, PHOTO_B, repositoryFile } from '../support/synthetic.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-process-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

interface Run {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  /** Resolves when stderr holds the text. */
  says(text: string): Promise<void>
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

function start(
  args: string[],
  options: { delay?: number; limitBlocks?: number; native?: boolean } = {},
): Run {
  const command = [process.execPath, '--import', 'tsx', repositoryFile('test/cli/main-process.ts'), ...args]
  // `ulimit -f` makes writes beyond the limit fail as a full disk does, in the process under test only.
  const shell = options.limitBlocks === undefined ? '' : `ulimit -f ${options.limitBlocks}; `
  const child = spawn('/bin/bash', ['-c', `${shell}exec "$@"`, 'bash', ...command], {
    cwd: repositoryFile('.'),
    env: {
      ...process.env,
      DFF_TEST_DELAY: String(options.delay ?? 0),
      ...(options.native && { DFF_TEST_NATIVE: '1' }),
    },
  })
  const text = { out: '', err: '' }
  const waiting: { text: string; resolve: () => void }[] = []
  child.stdout.on('data', (part) => {
    text.out += part
  })
  child.stderr.on('data', (part) => {
    text.err += part
    for (const entry of waiting) if (text.err.includes(entry.text)) entry.resolve()
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const says = (wanted: string) =>
    new Promise<void>((resolve, reject) => {
      if (text.err.includes(wanted)) return resolve()
      waiting.push({ text: wanted, resolve })
      void ended.then(() => reject(new Error(`ended without "${wanted}": ${text.err}`)))
    })
  return { child, text, says, ended }
}

describe('the process', () => {
  it('keeps stdout for the result and sets the exit code', async () => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy'])
    expect(await run.ended).toEqual({ code: 0, signal: null })
    expect(JSON.parse(run.text.out).files).toEqual(['flow.npy', 'result.json'])
    const missing = start(['flow', 'no.jpg', PHOTO_B, '-o', folder])
    expect((await missing.ended).code).toBe(3)
    expect(missing.text.out).toBe('')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle of a pair: exit %i at once, nothing half-written', async (signal, code) => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out')], { delay: 30_000 })
    await run.says('computing')
    run.child.kill(signal)
    expect(await run.ended).toEqual({ code, signal: null })
    expect(await readdir(folder)).toEqual([])
  })

  it('a second SIGINT ends what native code holds up', async () => {
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out')], { native: true })
    await run.says('computing')
    run.child.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 300))
    run.child.kill('SIGINT')
    expect(await run.ended).toEqual({ code: null, signal: 'SIGINT' })
    expect(await readdir(folder)).toEqual([])
  })

  it('SIGINT in a batch: the pair under way is finished, then exit 130', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\none,${PHOTO_A},${PHOTO_B}\ntwo,${PHOTO_A},${PHOTO_B}\n`)
    const out = join(folder, 'out')
    const run = start(['batch', table, '-o', out, '--only', 'flow.npy'], { delay: 800 })
    await run.says('computing')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
    expect(run.text.err).toContain('stopping after the item under way; again to stop at once')
    expect((await readdir(out)).sort()).toEqual(['one', 'summary.json'])
    expect((await readdir(join(out, 'one'))).sort()).toEqual(['flow.npy', 'result.json'])
  })

  it('a second SIGINT stops at once', async () => {
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\none,${PHOTO_A},${PHOTO_B}\n`)
    const run = start(['batch', table, '-o', join(folder, 'out')], { delay: 30_000 })
    await run.says('computing')
    run.child.kill('SIGINT')
    await run.says('again to stop at once')
    run.child.kill('SIGINT')
    expect((await run.ended).code).toBe(130)
  })

  it('a disk without room: exit 6, the reason, and no part of a file', async () => {
    // 200 blocks of 1 KiB: flow.npy has 602 KB.
    const run = start(['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out'), '--only', 'data'], {
      limitBlocks: 200,
    })
    expect((await run.ended).code).toBe(6)
    expect(run.text.err).toMatch(/flow\.npy: the file would exceed the size limit \(EFBIG\)/)
    expect(await readdir(join(folder, 'out'))).toEqual([])
  })
})
