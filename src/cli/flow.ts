import { join } from 'node:path'
import type { Command } from 'commander'
import { summarise } from '../index.js'
import type { CliContext } from './context.js'
import { addPairOptions, createOptions, type PairFlags } from './options.js'
import { startProgress } from './progress.js'
import { resultTable, runPair } from './run-pair.js'

export function addFlowCommand(program: Command, context: CliContext): void {
  const command = program
    .command('flow')
    .summary('dense 3D flow between two photos of a face')
    .description(
      'Dense 3D flow of a face from photo A to photo B: flow fields, meshes and pictures in one folder.',
    )
    .argument('<a>', 'photo A (JPEG, PNG, WebP, AVIF, TIFF or GIF)')
    .argument('<b>', 'photo B')
    .option('-o, --out <folder>', 'where the files go', 'deepfaceflow-out')
  addPairOptions(command).action((a: string, b: string, flags: PairFlags & { out: string }) =>
    flowCommand(context, a, b, flags),
  )
}

/** `flow`, and what `demo` runs on its own photos. */
export async function flowCommand(
  context: CliContext,
  a: string,
  b: string,
  flags: PairFlags & { readonly out: string },
): Promise<void> {
  const progress = startProgress(context, 2, flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      progress.advance()
      progress.step('computing the flow')
      const { result, files } = await runPair(faceFlow, a, b, flags.out, flags)
      progress.advance()
      progress.stop()
      if (flags.json) {
        context.stdout(`${JSON.stringify({ ...summarise(result, { a, b }), folder: flags.out, files })}\n`)
        return
      }
      if (flags.quiet) return
      for (const warning of result.warnings) context.stderr(`note: ${warning}\n`)
      const entry = files.includes('overview.png') ? `; look at ${join(flags.out, 'overview.png')}` : ''
      context.stdout(`${files.length} files in ${flags.out}${entry}\n${resultTable(result)}`)
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}
