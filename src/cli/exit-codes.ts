import { DeepFaceFlowError, type ErrorCode, messageOf } from '../index.js'
import { oneLine } from './terminal-text.js'

/** Exit codes of the command; shown by `--help`. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  input: 3,
  noFace: 4,
  device: 5,
  output: 6,
  externalTool: 7,
  installation: 8,
  partial: 9,
  interrupted: 130,
  closedPipe: 141,
} as const

export const EXIT_CODES_HELP = `
Exit codes:
  0  success                         6  an output cannot be written
  1  internal error (please report)  7  ffmpeg or the queue's server failed
  2  wrong use of the command        8  weights, shaders or packages are damaged
  3  an input cannot be used         9  some pairs or frames failed, the rest is done
  4  no face found                   130  interrupted (Ctrl-C), 143 terminated
  5  no usable GPU, or it failed     141  nobody reads the output (closed pipe)

DEEPFACEFLOW_DEBUG=1 shows stack traces.`

/** The exit code that tells a script what kind of error it was. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof DeepFaceFlowError)) return EXIT.internal
  const code: ErrorCode = error.code
  switch (code) {
    case 'INVALID_ARGUMENT':
      return EXIT.usage
    case 'INVALID_INPUT':
      return EXIT.input
    case 'NO_FACE':
      return EXIT.noFace
    case 'NO_ADAPTER':
    case 'UNSUPPORTED':
    case 'OUT_OF_MEMORY':
    case 'DEVICE_LOST':
      return EXIT.device
    case 'OUTPUT_FAILED':
      return EXIT.output
    case 'EXTERNAL_TOOL':
      return EXIT.externalTool
    case 'INVALID_WEIGHTS':
    case 'INVALID_SHADER':
    case 'MISSING_DEPENDENCY':
      return EXIT.installation
    case 'INVALID_GRAPH':
    case 'INVALID_BUFFER':
    case 'DISPOSED':
    case 'NUMERIC_OVERFLOW':
      return EXIT.internal
    default:
      return code satisfies never
  }
}

/** One line for people; the stack only when asked for. */
export function describeError(error: unknown, debug: boolean): string {
  const message = messageOf(error)
  if (debug) return (error as Partial<Error> | null | undefined)?.stack ?? message
  const line = oneLine(message)
  return error instanceof DeepFaceFlowError
    ? `deepfaceflow: ${line}`
    : `deepfaceflow: internal error: ${line}; run again with DEEPFACEFLOW_DEBUG=1 and report it`
}
