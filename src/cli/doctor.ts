import type { Command } from 'commander'
import {
  type AdapterCheck,
  type AdapterReport,
  checkAdapter,
  EngineError,
  hasFfmpeg,
  listAdapters,
  packageFacts,
} from '../index.js'
import type { CliContext } from './context.js'
import { addEngineOptions, addOutputOptions, createOptions, type PairFlags } from './options.js'
import { describeWeights } from './run-pair.js'

export function addDoctorCommand(program: Command, context: CliContext): void {
  const command = program
    .command('doctor')
    .summary('what this machine offers and whether it works')
    .description(
      'Prints adapters, features and limits, opens the chosen adapter, checks its arithmetic against the CPU and reads ' +
        'the weights.',
    )
  addOutputOptions(addEngineOptions(command)).action((flags: Omit<PairFlags, 'backward'>) =>
    doctorCommand(context, flags),
  )
}

async function doctorCommand(context: CliContext, flags: Omit<PairFlags, 'backward'>): Promise<void> {
  const adapters = await listAdapters()
  const facts = {
    deepfaceflow: packageFacts().version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    ffmpeg: await hasFfmpeg(),
  }
  const options = createOptions(flags)
  const check = await checkAdapter(options.adapter === undefined ? {} : { adapter: options.adapter })
  const faceFlow = await context.open(options)
  const { weights } = faceFlow
  faceFlow.dispose()
  if (flags.json) {
    context.stdout(`${JSON.stringify({ ...facts, adapters, chosen: check, weights })}\n`)
  } else if (!flags.quiet) {
    const lines = [
      `deepfaceflow ${facts.deepfaceflow}, Node ${facts.node}, ${facts.platform}, ffmpeg ${facts.ffmpeg ? 'found' : 'not found (only needed for video files)'}`,
      ...adapters.flatMap(describeAdapter),
      ...describeCheck(check),
      `weights: ${describeWeights(weights)}`,
    ]
    context.stdout(`${lines.join('\n')}\n`)
  }
  if (!check.test.passed) {
    throw new EngineError(
      'UNSUPPORTED',
      `adapter ${check.caps.name} computes wrong results (error ${check.test.maxError.toExponential(1)}); ` +
        'update its driver or choose another with --adapter',
    )
  }
}

function describeAdapter({ device, source, caps, features }: AdapterReport): string[] {
  const { limits } = caps
  const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`
  return [
    `adapter (${source} driver): ${device}, ${caps.software ? 'software' : 'hardware'}, ${caps.backend}`,
    `  driver: ${caps.description}`,
    `  features: ${features.join(', ') || 'none'}`,
    `  limits: buffer ${mib(limits.maxBufferSize)}, binding ${mib(limits.maxStorageBufferBindingSize)}, ` +
      `workgroup memory ${limits.maxComputeWorkgroupStorageSize} bytes, ` +
      `${limits.maxComputeInvocationsPerWorkgroup} invocations a workgroup, ` +
      `${limits.maxStorageBuffersPerShaderStage} storage buffers` +
      (caps.subgroups ? `, subgroups of ${caps.subgroupMinSize}..${caps.subgroupMaxSize}` : ''),
  ]
}

function describeCheck({ selection, schedule, test }: AdapterCheck): string[] {
  const verdict = test.passed ? 'passed' : 'FAILED'
  return [
    `chosen ${selection}`,
    `schedule: ${schedule}`,
    `self-test: ${verdict}, largest error ${test.maxError.toExponential(1)} of the range against float64, ${test.ms.toFixed(0)} ms`,
  ]
}
