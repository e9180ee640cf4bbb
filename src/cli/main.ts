import { availableParallelism } from 'node:os'
import { hideDriverMessages, removePendingFiles } from '../index.js'
import type { CliContext } from './context.js'
import { EXIT } from './exit-codes.js'
import { workerDesk } from './process-crew.js'
import { runCli } from './program.js'

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * Runs the command line of this process and sets its exit code.
 * @param face opens the face level and describes its networks
 */
export async function main(
  args: readonly string[],
  face: Pick<CliContext, 'open' | 'describeNetwork' | 'isSoftware'>,
): Promise<void> {
  const abort = new AbortController()
  let watched = false
  let signalled: keyof typeof SIGNAL_CODES | null = null
  const desk = workerDesk()
  const context: CliContext = {
    desk,
    processors: availableParallelism(),
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    interrupted: desk?.signal ?? abort.signal,
    watchesInterrupts: () => {
      watched = true
    },
    ...face,
  }
  const onSignal = (signal: keyof typeof SIGNAL_CODES) => {
    // The terminal tells all processes; a worker hears from the one that started it what to do.
    if (desk !== null && signal === 'SIGINT') return
    if (watched && signalled === null && desk === null) {
      signalled = signal
      process.stderr.write('\ndeepfaceflow: stopping after the item under way; again to stop at once\n')
      abort.abort()
      return
    }
    removePendingFiles()
    // The exit waits for native work under way (a photo being decoded): from here on a signal ends the process itself.
    for (const name of Object.keys(SIGNAL_CODES)) process.removeAllListeners(name)
    process.exit(SIGNAL_CODES[signal])
  }
  for (const signal of Object.keys(SIGNAL_CODES)) process.on(signal, onSignal)
  let unwritten: NodeJS.ErrnoException | null = null
  const finish = (code: number) => {
    // A failure of the command matters more than that nobody read its output.
    process.exitCode = code === EXIT.ok && unwritten !== null ? unwrittenCode(unwritten) : code
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (unwritten === null && unwrittenCode(error) === EXIT.output) {
      process.stderr.write(`deepfaceflow: standard output cannot be written (${error.code})\n`)
    }
    unwritten ??= error
    if (process.exitCode !== undefined) finish(Number(process.exitCode))
  })
  // Nobody listens to the messages: no reason to stop the work.
  process.stderr.on('error', () => undefined)
  const debug = (process.env.DEEPFACEFLOW_DEBUG ?? '') !== ''
  if (!debug && !args.includes('--verbose')) hideDriverMessages()
  const code = await runCli(args, context, debug)
  removePendingFiles()
  // A child that the same Ctrl-C ended (ffmpeg) makes a command fail: the interruption is the reason.
  finish(signalled === null ? code : SIGNAL_CODES[signalled])
}

/** `deepfaceflow ... | head` closes the pipe early, as a terminal does that is closed: what a shell says of SIGPIPE. */
function unwrittenCode({ code }: NodeJS.ErrnoException): number {
  return code === 'EPIPE' || code === 'EIO' ? EXIT.closedPipe : EXIT.output
}
