import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AdapterCaps } from '../../src/platform/caps.js'
import type { NetworkChoice } from '../lib/networks.js'
import type { CompiledPipeline, FamilyResult } from './compile.js'
import { readGen } from './gen-isa.js'
import { openClOf } from './opencl.js'
import { type PipelineSource, pipelinesOf } from './pipelines.js'

const run = promisify(execFile)

/** What a plan depends on, as WebGPU shows an Intel GPU: default limits and subgroups of 8 to 32 lanes. */
const CAPS: AdapterCaps = {
  name: 'Intel graphics compiler',
  vendor: 'intel',
  architecture: '',
  description: '',
  backend: 'vulkan',
  software: false,
  subgroups: true,
  subgroupMinSize: 8,
  subgroupMaxSize: 32,
  f16: true,
  timestamps: true,
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxUniformBufferBindingSize: 65536,
    maxBufferSize: 2 ** 28,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256,
    maxComputeWorkgroupSizeZ: 64,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBuffersPerShaderStage: 8,
    minStorageBufferOffsetAlignment: 256,
    minUniformBufferOffsetAlignment: 256,
  },
}

/**
 * Compiles the hardware schedule of the plans, as OpenCL C, with Intel's compiler. Its Vulkan and D3D12 drivers for Windows have
 * the same back end; Mesa's driver for Linux has one of its own. What autotuning could choose is left out: it is run where it was
 * measured to be quicker.
 */
export async function compileForIntel(
  mesa: string,
  family: string,
  plans: readonly NetworkChoice[],
  storage: 'f32' | 'f16',
): Promise<FamilyResult> {
  const sources = await pipelinesOf(plans, CAPS, storage, false)
  const pipelines: CompiledPipeline[] = []
  for (const source of sources) pipelines.push(await compileOne(join(mesa, 'intel'), family, source))
  const { stdout } = await run('dpkg-deb', ['-f', await packageFile(mesa), 'Version'])
  return { family, driver: `IGC ${stdout.trim()}`, caps: CAPS, pipelines }
}

async function packageFile(mesa: string): Promise<string> {
  const name = (await readdir(join(mesa, 'debs', 'intel'))).find((file) => file.startsWith('libigc1_'))
  if (name === undefined) throw new Error(`${mesa} lacks Intel's compiler: remove the folder`)
  return join(mesa, 'debs', 'intel', name)
}

async function compileOne(
  intel: string,
  family: string,
  { info, code }: PipelineSource,
): Promise<CompiledPipeline> {
  const folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-intel-'))
  try {
    const file = join(folder, 'kernel.cl')
    await writeFile(file, openClOf(code))
    const options = '-cl-std=CL3.0 -cl-single-precision-constant'
    const args = ['compile', '-file', file, '-device', family, '-out_dir', folder, '-options', options]
    const libraries = (await readdir(join(intel, 'usr', 'lib'))).map((name) =>
      join(intel, 'usr', 'lib', name),
    )
    const env = {
      ...process.env,
      LD_LIBRARY_PATH: libraries.join(':'),
      IGC_ShaderDumpEnable: '1',
      IGC_DumpToCustomDir: folder,
    }
    const { stdout, stderr } = await run(join(intel, 'usr', 'bin', 'ocloc'), args, {
      env,
      maxBuffer: 2 ** 26,
    }).catch((error: { stdout?: string }) => {
      throw new Error(`${family}: ${info.id} does not compile:\n${error.stdout?.slice(0, 2000)}`)
    })
    const report = readGen(await latestAssembly(folder), `${stdout}${stderr}`)
    const invocations = info.workgroupSize.reduce((product, size) => product * size, 1)
    const laneUse = invocations / (Math.ceil(invocations / report.lanes) * report.lanes)
    const { statistics, whole, loop, lanes } = report
    return { ...info, statistics, waveSize: lanes, laneUse, whole, ...(loop && { loop }) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The compiler tries again where registers do not suffice; what it wrote last is what it kept. */
async function latestAssembly(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.asm'))
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  )
  const latest = dated.sort((a, b) => b.time - a.time)[0]
  if (latest === undefined) throw new Error('the compiler wrote no assembly')
  const width = /simd\d+/.exec(latest.name)?.[0] ?? ''
  return `//.${width}\n${await readFile(join(folder, latest.name), 'utf8')}`
}
