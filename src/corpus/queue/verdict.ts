import { DeepFaceFlowError, type ErrorCode } from '../../errors.js'

/**
 * Whose fault a failure is.
 * - `entry`: it would fail anywhere, again and again: it is set aside.
 * - `attempt`: it may go better another time: it is tried again, later and later.
 * - `worker`: this machine cannot work (disk full, package damaged): the entry is given back and the worker ends.
 * - `both`: the device is gone, perhaps because of the entry: its attempt counts, and the worker ends.
 */
export type Verdict = 'entry' | 'attempt' | 'worker' | 'both'

const VERDICTS: Readonly<Record<ErrorCode, Verdict>> = {
  INVALID_INPUT: 'entry',
  NO_FACE: 'entry',
  NUMERIC_OVERFLOW: 'entry',
  INVALID_ARGUMENT: 'entry',
  EXTERNAL_TOOL: 'attempt',
  OUTPUT_FAILED: 'worker',
  MISSING_DEPENDENCY: 'worker',
  INVALID_WEIGHTS: 'worker',
  INVALID_SHADER: 'worker',
  INVALID_GRAPH: 'worker',
  INVALID_BUFFER: 'worker',
  NO_ADAPTER: 'worker',
  UNSUPPORTED: 'worker',
  DISPOSED: 'worker',
  OUT_OF_MEMORY: 'both',
  DEVICE_LOST: 'both',
}

/** Whose fault it is; of errors that nobody foresaw, the attempt's. */
export function verdictOf(error: unknown): Verdict {
  return error instanceof DeepFaceFlowError ? VERDICTS[error.code] : 'attempt'
}
