import { type CreateOptions, type FaceFlow, removePendingFiles } from '../index.js'
import type { CliContext } from './context.js'
import { runCli } from './program.js'

const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Runs the command line of this process and sets its exit code.
 * @param open creates the face level
 */
export async function main(
  args: readonly string[],
  open: (options: CreateOptions) => Promise<FaceFlow>,
): Promise<void> {
  const abort = new AbortController()
  let watched = false
  let signalled: keyof typeof SIGNAL_CODES | null = null
  const context: CliContext = {
    stdout: (text) => process.stdout.write(text),
    stderr: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    interrupted: abort.signal,
    watchesInterrupts: () => {
      watched = true
    },
    open,
  }
  const onSignal = (signal: keyof typeof SIGNAL_CODES) => {
    if (watched && signalled === null) {
      signalled = signal
      process.stderr.write('\ndeepfaceflow: stopping after the item under way; again to stop at once\n')
      abort.abort()
      return
    }
    removePendingFiles()
    // The exit waits for native work under way (a photo being decoded): from here on a signal ends the process itself.
    process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
    process.exit(SIGNAL_CODES[signal])
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // `deepfaceflow ... | head` closes the pipe early; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const debug = (process.env.DEEPFACEFLOW_DEBUG ?? '') !== ''
  const code = await runCli(args, context, debug)
  // A child that the same Ctrl-C ended (ffmpeg) makes a command fail: the interruption is the reason.
  process.exitCode = signalled === null ? code : SIGNAL_CODES[signalled]
}
