import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import { buildProgram } from '../support/bundle.js'

/** The command line in a process of its own, with prepared results instead of networks. */
export interface Command {
  readonly child: ChildProcess
  readonly text: { out: string; err: string }
  readonly code: Promise<number | null>
}

const built = await buildProgram('test/cli/main-process.ts')
after(() => built.remove())

export function start(args: readonly string[], env: Record<string, string> = {}): Command {
  const child = spawn(process.execPath, [built.file, ...args], {
    env: { ...process.env, ...env },
  })
  const text = { out: '', err: '' }
  child.stdout.on('data', (part) => {
    text.out += part
  })
  child.stderr.on('data', (part) => {
    text.err += part
  })
  return { child, text, code: once(child, 'close').then(([code]) => code as number | null) }
}

export async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
  const { text, code } = start(args, env)
  return { code: await code, ...text }
}
