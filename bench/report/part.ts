import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'

/** One part of the report: a script in a process of its own, so that what it breaks ends with it. */
export interface ReportPart {
  readonly name: string
  /** Script below the repository's root, and what it is given beside `--json FILE`. */
  readonly script: string
  readonly args: readonly string[]
  /** Seconds after which it is ended. */
  readonly limit: number
}

export type Outcome = 'ok' | 'failed' | 'timed out' | 'no time left'

export interface PartResult {
  readonly name: string
  readonly outcome: Outcome
  readonly seconds: number
  /** Last lines of what it printed; what went wrong stands there. */
  readonly tail: string
}

const TAIL_CHARACTERS = 4000

/** Runs a part; never rejects. @param json file that its figures go to */
export async function runPart(part: ReportPart, json: string, limit = part.limit): Promise<PartResult> {
  const start = performance.now()
  const file = resolve(packageFacts().root, part.script)
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...part.args, '--json', json], {
    cwd: packageFacts().root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let tail = ''
  const keep = (text: string): void => {
    tail = (tail + text).slice(-TAIL_CHARACTERS)
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    // A driver that hangs does not hear anything milder.
    child.kill('SIGKILL')
  }, limit * 1000)
  const code = await new Promise<number | null>((settle) => {
    child.on('error', (error) => {
      keep(String(error.message))
      settle(null)
    })
    child.on('close', settle)
  })
  clearTimeout(timer)
  const seconds = (performance.now() - start) / 1000
  return { name: part.name, outcome: timedOut ? 'timed out' : code === 0 ? 'ok' : 'failed', seconds, tail }
}
