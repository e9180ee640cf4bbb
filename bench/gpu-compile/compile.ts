import { spawn } from 'node:child_process'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdapterCaps } from '../../src/platform/caps.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { NetworkChoice } from '../lib/networks.js'
import {
  hottestLoop,
  type InstructionMix,
  type Loop,
  mixOf,
  parseAssembly,
  parseStatistics,
  type ShaderStatistics,
  waveSizeOf,
} from './isa.js'
import { nullGpuEnvironment } from './mesa.js'
import type { PipelineInfo } from './pipelines.js'

export const REQUEST_VARIABLE = 'DEEPFACEFLOW_BENCH_COMPILE'
export const START_MARK = '@@pipeline '
export const END_MARK = '@@end '

/** RADV's choice for compute shaders that do not ask for another. */
const DEFAULT_WAVE_SIZE = 64

export interface CompiledPipeline extends PipelineInfo {
  readonly statistics: ShaderStatistics
  readonly waveSize: 8 | 16 | 32 | 64
  /** Lanes of the waves that a workgroup fills, in 0..1. */
  readonly laneUse: number
  /** Absent where the driver's disassembler does not know the family (LLVM 15 and RDNA 4). */
  readonly whole?: InstructionMix
  /** Absent without assembly, and for kernels without a loop. */
  readonly loop?: Loop
}

export interface FamilyResult {
  readonly family: string
  readonly driver: string
  /** What plans for this adapter depend on. */
  readonly caps: AdapterCaps
  readonly pipelines: readonly CompiledPipeline[]
}

/**
 * Compiles the hardware schedule of the plans for one family, in a process of its own.
 * @param candidates also the variants that autotuning could choose; their pipelines have no uses
 */
export async function compileFor(
  mesa: string,
  family: string,
  plans: readonly NetworkChoice[],
  storage: 'f32' | 'f16',
  candidates: boolean,
): Promise<FamilyResult> {
  const { stdout, stderr, status } = await run({
    ...nullGpuEnvironment(mesa, family),
    [REQUEST_VARIABLE]: JSON.stringify({ plans, storage, candidates }),
  })
  if (status !== 0) throw new Error(`compiling for ${family} ended with ${status}:\n${stderr.slice(-4000)}`)
  const { caps, pipelines } = JSON.parse(stdout) as { caps: AdapterCaps; pipelines: PipelineInfo[] }
  return {
    family,
    driver: caps.name,
    caps,
    pipelines: pipelines.map((info, index) => readReport(stderr, index, info, family)),
  }
}

/** The part of the driver's output that belongs to pipeline `index`. */
function readReport(stderr: string, index: number, info: PipelineInfo, family: string): CompiledPipeline {
  const start = stderr.indexOf(`${START_MARK}${index}\n`)
  const end = stderr.indexOf(`${END_MARK}${index}\n`)
  const text = start >= 0 && end > start ? stderr.slice(start, end) : ''
  // Dawn makes small pipelines of its own (clearing buffers) when it first needs them: ours is the last.
  const report = text.slice(Math.max(0, text.lastIndexOf('disasm:')))
  if (!report.includes('SHADER STATS')) throw new Error(`${family}: the driver said nothing about ${info.id}`)
  const waveSize = waveSizeOf(report) ?? DEFAULT_WAVE_SIZE
  const invocations = info.workgroupSize.reduce((product, size) => product * size, 1)
  const laneUse = invocations / (Math.ceil(invocations / waveSize) * waveSize)
  const common = { ...info, statistics: parseStatistics(report), waveSize, laneUse }
  if (report.includes('disassembly is not supported')) return common
  const instructions = parseAssembly(report)
  const loop = hottestLoop(instructions)
  return { ...common, whole: mixOf(instructions), ...(loop === undefined ? {} : { loop }) }
}

/** Output goes to files: the driver writes megabytes without waiting, which a pipe does not take. */
async function run(
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string; status: number | null }> {
  const script = join(packageFacts().root, 'bench', 'gpu-compile', 'child.ts')
  const folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-gpu-compile-'))
  const files = [join(folder, 'stdout'), join(folder, 'stderr')] as const
  const handles = await Promise.all(files.map((file) => open(file, 'w')))
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      const outputs = handles.map(({ fd }) => fd)
      const child = spawn(process.execPath, ['--import', 'tsx', script], {
        env,
        stdio: ['ignore', ...outputs],
      })
      child.on('error', reject)
      child.on('close', resolve)
    })
    const [stdout, stderr] = await Promise.all([readFile(files[0], 'utf8'), readFile(files[1], 'utf8')])
    return { stdout, stderr, status }
  } finally {
    await Promise.all(handles.map((handle) => handle.close()))
    await rm(folder, { recursive: true, force: true })
  }
}
