import type { Command } from 'commander'
import { hasFfmpeg, listAdapters, packageFacts } from '../index.js'
import type { CliContext } from './context.js'
import { addEngineOptions, addOutputOptions, createOptions, type PairFlags } from './options.js'

export function addDoctorCommand(program: Command, context: CliContext): void {
  const command = program
    .command('doctor')
    .summary('what this machine offers and whether it works')
    .description('Prints adapters, features and limits, and opens the chosen adapter with the weights.')
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
  const faceFlow = await context.open(createOptions(flags))
  try {
    const { adapter, weights } = faceFlow
    if (flags.json) {
      context.stdout(`${JSON.stringify({ ...facts, adapters, chosen: adapter, weights })}\n`)
      return
    }
    if (flags.quiet) return
    const lines = [
      `deepfaceflow ${facts.deepfaceflow}, Node ${facts.node}, ${facts.platform}, ffmpeg ${facts.ffmpeg ? 'found' : 'not found (only needed for video files)'}`,
      ...adapters.map(
        (report) =>
          `adapter (${report.source}): ${report.device}\n  features: ${report.features.join(', ') || 'none'}`,
      ),
      `chosen: ${adapter}`,
      `weights: ${weights.name} ${weights.hash}, measured error ${weights.epe?.toFixed(2) ?? 'unknown'} px`,
    ]
    context.stdout(`${lines.join('\n')}\n`)
  } finally {
    faceFlow.dispose()
  }
}
