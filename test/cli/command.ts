import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { repositoryFile } from '../support/synthetic.js'

/** main-process.ts as a file that node runs as it is. */
export interface Command {
  readonly file: string
  remove(): Promise<void>
}

/** Bundles main-process.ts: a process starts in a sixth of the time that loading the sources as TypeScript takes. */
export async function buildCommand(): Promise<Command> {
  // Two levels deep, as the source: what it finds by its own place is where it was.
  await mkdir(repositoryFile('.cache'), { recursive: true })
  const folder = await mkdtemp(repositoryFile('.cache/command-'))
  const file = join(folder, 'main-process.js')
  await build({
    entryPoints: [repositoryFile('test/cli/main-process.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  return { file, remove: () => rm(folder, { recursive: true }) }
}
