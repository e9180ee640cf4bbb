import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { assertUnchanged, checkOutput, type FaceFrame, RESULT_FILE } from '../index.js'
import type { CliContext } from './context.js'
import { createOptions, flowOptions, type PairFlags } from './options.js'
import { startProgress } from './progress.js'
import { checkPhotos, hashPhotos, resultTable, wantedFiles, writePair } from './run-pair.js'
import { oneLine } from './terminal-text.js'

export type PeopleFlags = PairFlags & { readonly out: string }

/** `flow --all-faces`: a folder for each person whom both photos show. */
export async function peopleCommand(
  context: CliContext,
  a: string,
  b: string,
  flags: PeopleFlags,
): Promise<void> {
  const folderOf = (person: number) => join(flags.out, `person-${person}`)
  const photos = await hashPhotos(a, b)
  await checkPhotos(photos, flags)
  const wanted = wantedFiles(flags)
  const inputs = [photos.a.file, photos.b.file]
  // How many people there are is not known yet: every folder that is there already might be written to.
  for (let person = 1; person === 1 || existsSync(folderOf(person)); person++) {
    await checkOutput(folderOf(person), wanted, inputs)
  }
  const progress = startProgress(context, 2, flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      progress.advance()
      progress.step('computing the flow of everybody')
      const group = await faceFlow.flowAll(photos.a.file, photos.b.file, flowOptions(flags))
      await assertUnchanged(photos.a)
      await assertUnchanged(photos.b)
      const people: Record<string, unknown>[] = []
      for (const [index, result] of group.people.entries()) {
        const folder = folderOf(index + 1)
        await checkOutput(folder, wanted, inputs)
        const { summary, files } = await writePair(result, photos, folder, flags, progress.note)
        people.push({ ...summary, folder, files })
        if (flags.json || flags.quiet) continue
        for (const warning of result.warnings) progress.note(`note: ${oneLine(warning)}`)
        context.stdout(`${files.length} files in ${oneLine(folder)}\n${resultTable(result)}`)
      }
      progress.advance()
      progress.stop()
      const stale = folderOf(people.length + 1)
      if (existsSync(join(stale, RESULT_FILE))) {
        context.stderr(`note: ${oneLine(stale)} and what follows it are of an earlier run\n`)
      }
      const only = { onlyA: group.onlyA.map(placeOf), onlyB: group.onlyB.map(placeOf) }
      if (flags.json) context.stdout(`${JSON.stringify({ people, ...only })}\n`)
      else if (!flags.quiet) {
        for (const [name, faces] of [
          [a, only.onlyA],
          [b, only.onlyB],
        ] as const) {
          for (const { x, y } of faces) {
            context.stderr(
              `note: ${oneLine(name)}: nobody like the face at (${x}, ${y}) in the other photo\n`,
            )
          }
        }
      }
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}

/** Middle and side of a face, px. */
function placeOf({ box }: FaceFrame): { x: number; y: number; side: number } {
  return {
    x: Math.round(box.x + box.width / 2),
    y: Math.round(box.y + box.height / 2),
    side: Math.round(Math.max(box.width, box.height)),
  }
}
