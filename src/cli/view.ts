import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { FaceError, packageFacts } from '../index.js'
import type { CliContext } from './context.js'
import { oneLine } from './terminal-text.js'
import { findResults } from './view-folder.js'
import { serveView } from './view-server.js'

interface ViewFlags {
  readonly port: number
  readonly open: boolean
}

export function addViewCommand(program: Command, context: CliContext): void {
  program
    .command('view')
    .summary('look at a result in 3D, in the browser')
    .description(
      'Shows what flow, video, batch or demo wrote in a page of this machine: moving mesh, dense surface, arrows, time line. ' +
        'Serves that folder and the page, read-only and to this machine alone, until Ctrl-C.',
    )
    .argument('<folder>', 'folder of a result, or of several')
    .option('--port <n>', 'port to listen on; 0 takes a free one', port, 0)
    .option('--no-open', 'print the address only')
    .action((folder: string, flags: ViewFlags) => viewCommand(context, folder, flags))
}

async function viewCommand(context: CliContext, folder: string, flags: ViewFlags): Promise<void> {
  const found = await findResults(folder)
  const server = await serveView({ page: pageFolder(), folder, ...found }, flags.port)
  try {
    context.stdout(`${oneLine(folder)} is shown at ${server.address} until Ctrl-C\n`)
    if (flags.open && context.interactive) openInBrowser(server.address)
    await new Promise<void>((done) => {
      if (context.interrupted.aborted) done()
      context.interrupted.addEventListener('abort', () => done(), { once: true })
    })
  } finally {
    await server.close()
  }
}

/** @throws FaceError MISSING_DEPENDENCY in a clone where it has not been built */
function pageFolder(): string {
  const { root } = packageFacts()
  const folder = join(root, 'web/dist/viewer')
  if (!existsSync(join(folder, 'index.html'))) {
    throw new FaceError(
      'MISSING_DEPENDENCY',
      `${folder}: the viewer's page is not built; run "npm run build:web" in ${root}`,
      { file: folder },
    )
  }
  return folder
}

/** Where there is no browser, the printed address is what there is. */
function openInBrowser(address: string): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', address]
        : ['xdg-open', address]
  const child = spawn(command as string, args, { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}

function port(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > 65535) throw new InvalidArgumentError('give a port from 0 to 65535.')
  return value
}
