import { SingleBar } from 'cli-progress'
import type { CliContext } from './context.js'
import { oneLine } from './terminal-text.js'

/** Progress of a command on stderr; silent unless stderr is a terminal. */
export interface Progress {
  /** What is being done now. */
  step(text: string): void
  /** One item of `total` is done. */
  advance(): void
  /** One item of `total` was done before the command began: it says nothing of the time that the others take. */
  pass(): void
  /** Prints a line above the bar (and without a terminal, just the line). */
  note(line: string): void
  stop(): void
}

/** @param total items of the command; its steps where it has only one item */
export function startProgress(context: CliContext, total: number, quiet: boolean): Progress {
  if (quiet || !context.interactive) {
    return {
      step: () => undefined,
      advance: () => undefined,
      pass: () => undefined,
      note: (line) => {
        if (!quiet) context.stderr(`${line}\n`)
      },
      stop: () => undefined,
    }
  }
  const bar = new SingleBar({
    format: '{bar} {value}/{total} {clock} {step}',
    stream: process.stderr,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    etaBuffer: 20,
    gracefulExit: true,
    formatTime: (seconds) =>
      `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`,
  })
  // The first item pays for start-up (compiling kernels) and would spoil the estimate.
  let started = 0
  let done = 0
  let passed = 0
  const clock = () => {
    if (done < 2) return ''
    const left = Math.round((((Date.now() - started) / (done - 1)) * (total - passed - done)) / 1000)
    return `ETA ${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
  }
  bar.start(total, 0, { step: '', clock: '' })
  return {
    step: (step) => bar.update({ step: oneLine(step), clock: clock() }),
    advance: () => {
      done++
      if (done === 1) started = Date.now()
      bar.update(passed + done, { clock: clock() })
    },
    pass: () => {
      passed++
      bar.update(passed + done, { clock: clock() })
    },
    note: (line) => {
      // Wipes the bar's line; the next update draws it again below.
      process.stderr.write('\r\x1b[K')
      context.stderr(`${line}\n`)
    },
    stop: () => bar.stop(),
  }
}
