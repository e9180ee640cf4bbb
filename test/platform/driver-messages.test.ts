import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A program whose "driver" is a child that writes to file descriptor 2, past Node's own stream. */
const PROGRAM = `
import { spawnSync } from 'node:child_process'
import { hideDriverMessages, withoutDriverMessages } from ${JSON.stringify(resolve('src/platform/node/driver-messages.ts'))}
const driver = () => spawnSync('sh', ['-c', 'echo driver >&2'], { stdio: ['ignore', 'ignore', 2] })
process.stderr.on('error', () => undefined)
process.stderr.write('before\\n')
if (process.argv[1] === 'hide') hideDriverMessages()
withoutDriverMessages(driver)
process.stderr.write('after\\n')
process.stdout.write('done\\n')
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-driver-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function run(shell: string, ...args: string[]): Promise<{ out: string; err: string }> {
  const command = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', PROGRAM, ...args]
  const child = spawn('/bin/bash', ['-c', shell, 'bash', ...command])
  const text = { out: '', err: '' }
  child.stdout.on('data', (part) => {
    text.out += part
  })
  child.stderr.on('data', (part) => {
    text.err += part
  })
  await once(child, 'close')
  return text
}

describe.runIf(process.platform === 'linux')('messages of drivers', () => {
  it('are dropped on a pipe, and only they', async () => {
    // The shell's pipe: Node gives its children sockets.
    const script = '{ "$@" 2>&1 1>&3 | cat >&2; } 3>&1'
    expect(await run(script, 'hide')).toEqual({ out: 'done\n', err: 'before\nafter\n' })
    expect((await run(script)).err).toBe('before\ndriver\nafter\n')
  })

  it('stay in a file, whose text none may overwrite', async () => {
    const file = join(folder, 'log')
    await run(`"$@" >${file} 2>&1`, 'hide')
    expect(await readFile(file, 'utf8')).toBe('before\ndriver\nafter\ndone\n')
  })

  it('do not stop a program whose messages nobody reads', async () => {
    expect((await run('{ "$@" 2>&1 1>&3 | head -c 0; } 3>&1', 'hide')).out).toBe('done\n')
  })
})
