import { Command, CommanderError } from 'commander'
import { packageFacts } from '../index.js'
import { addAnimateCommand } from './animate.js'
import { addAutotuneCommand } from './autotune.js'
import { addBatchCommand } from './batch.js'
import { addBenchCommand } from './bench.js'
import { type CliContext, ExitRequest } from './context.js'
import { addCorpusCommand } from './corpus.js'
import { addDemoCommand } from './demo.js'
import { addDoctorCommand } from './doctor.js'
import { describeError, EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-codes.js'
import { addExpressionCommand } from './expression.js'
import { addFlowCommand } from './flow.js'
import { addQueueCommand } from './queue.js'
import { printable } from './terminal-text.js'
import { addVideoCommand } from './video.js'
import { addViewCommand } from './view.js'

/** The whole command line. */
function buildProgram(context: CliContext): Command {
  const program = new Command('deepfaceflow')
    .description(
      'Dense 3D facial flow from two photos, a table of pairs or a video, photos that move by it, and what faces do in numbers.',
    )
    .version(packageFacts().version)
    .addHelpText('after', EXIT_CODES_HELP)
    .showHelpAfterError('(deepfaceflow --help shows the commands and options)')
    .configureOutput({ writeOut: context.stdout, writeErr: context.stderr })
    .exitOverride()
  for (const add of [
    addFlowCommand,
    addVideoCommand,
    addBatchCommand,
    addCorpusCommand,
    addQueueCommand,
    addAnimateCommand,
    addExpressionCommand,
    addDemoCommand,
    addViewCommand,
    addDoctorCommand,
    addBenchCommand,
    addAutotuneCommand,
  ]) {
    add(program, context)
  }
  return program
}

/**
 * Runs one command line.
 * @param args what follows the program's name
 * @returns the exit code; all messages have been printed
 */
export async function runCli(args: readonly string[], terminal: CliContext, debug: boolean): Promise<number> {
  const context: CliContext = {
    ...terminal,
    stdout: (text) => terminal.stdout(printable(text)),
    stderr: (text) => terminal.stderr(printable(text)),
  }
  try {
    await buildProgram(context).parseAsync(args, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    if (error instanceof ExitRequest) return error.exitCode
    // commander has printed its own message; its help and version "errors" have the exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (isInterruption(error, context.interrupted)) return EXIT.interrupted
    context.stderr(`${describeError(error, debug)}\n`)
    return exitCodeOf(error)
  }
}

/** Whether it says no more than that something was given up because it was interrupted, which is known. */
function isInterruption(error: unknown, { aborted, reason }: AbortSignal): boolean {
  return aborted && (error === reason || (error as Partial<Error> | null | undefined)?.name === 'AbortError')
}
