import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { checkOutput } from '../index.js'
import type { CliContext } from './context.js'
import { addPairOptions, createOptions, type PairFlags } from './options.js'
import { type PeopleFlags, peopleCommand } from './people.js'
import { startProgress } from './progress.js'
import { checkPhotos, hashPhotos, resultTable, runPair, wantedFiles } from './run-pair.js'
import { oneLine } from './terminal-text.js'

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
  addPairOptions(command)
    .addOption(
      new Option(
        '--all-faces',
        'everybody whom both photos show, matched by appearance and place: a folder person-1, person-2, ... each',
      ).conflicts(['face', 'at', 'faceB', 'atB', 'registered']),
    )
    .action((a: string, b: string, flags: PeopleFlags & { allFaces?: boolean }) =>
      flags.allFaces ? peopleCommand(context, a, b, flags) : flowCommand(context, a, b, flags),
    )
}

/** `flow`, and what `demo` runs on its own photos. */
export async function flowCommand(
  context: CliContext,
  a: string,
  b: string,
  flags: PairFlags & { readonly out: string },
): Promise<void> {
  const wanted = wantedFiles(flags)
  const photos = await hashPhotos(a, b)
  await checkPhotos(photos, flags)
  await checkOutput(flags.out, wanted, [photos.a.file, photos.b.file])
  const progress = startProgress(context, 2, flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      progress.advance()
      progress.step('computing the flow')
      const { result, summary, files } = await runPair(faceFlow, photos, flags.out, flags, progress.note)
      progress.advance()
      progress.stop()
      if (flags.json) {
        context.stdout(`${JSON.stringify({ ...summary, folder: flags.out, files })}\n`)
        return
      }
      if (flags.quiet) return
      for (const warning of result.warnings) context.stderr(`note: ${oneLine(warning)}\n`)
      const entry = files.includes('overview.png') ? `; look at ${join(flags.out, 'overview.png')}` : ''
      context.stdout(
        `${files.length} files in ${oneLine(flags.out)}${oneLine(entry)}\n${resultTable(result)}`,
      )
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}
