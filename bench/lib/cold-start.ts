import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { NetworkChoice } from './networks.js'
import type { BenchOptions } from './options.js'

/** Milliseconds of the steps from a new process to its first flow in memory. */
export interface ColdStart {
  /** Start of the process to the first line of ours: Node, TypeScript compiled on the way, modules. */
  readonly process: number
  readonly weightFiles: number
  readonly device: number
  /** Graph to step list, then every pipeline. */
  readonly shaders: number
  readonly pipelines: number
  /** Packing and upload of weights, buffers, bind groups. */
  readonly buffers: number
  readonly firstRun: number
  /** What a later run takes, for comparison. */
  readonly secondRun: number
  /** Device to first flow: what a program that links the engine waits for. */
  readonly total: number
  /** Processor time of the process up to then, modules included: what it would take on an idle machine's one core. */
  readonly cpu: number
  readonly peakRssBytes: number
}

export const COLD_START_VARIABLE = 'DEEPFACEFLOW_BENCH_STARTED'

/**
 * Runs bench/cold-start-child.ts in a process of its own.
 * @param caches false: the embedded driver is unpacked anew and Mesa's shader cache is off
 */
export async function coldStart(
  choice: NetworkChoice,
  options: BenchOptions,
  caches: boolean,
): Promise<ColdStart> {
  const cache = await mkdtemp(join(tmpdir(), 'deepfaceflow-bench-'))
  try {
    const uncached = { XDG_CACHE_HOME: cache, MESA_SHADER_CACHE_DISABLE: 'true' }
    const child = join(packageFacts().root, 'bench', 'cold-start-child.ts')
    const text = await output(process.execPath, ['--import', 'tsx', child], {
      ...process.env,
      ...(caches ? {} : uncached),
      [COLD_START_VARIABLE]: JSON.stringify({ started: Date.now(), choice, options }),
    })
    return JSON.parse(text) as ColdStart
  } finally {
    await rm(cache, { recursive: true, force: true })
  }
}

function output(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    child.on('error', reject)
    child.on('close', (status) => {
      if (status === 0) resolve(text)
      else reject(new Error(`the cold start process ended with ${status}:\n${errors}`))
    })
  })
}
