import { FaceError } from '../errors.js'

/** @param cause what noticed it, in the middle of a call */
export function disposedFaceFlow(cause?: unknown): FaceError {
  return new FaceError('DISPOSED', 'this DeepFaceFlow was disposed; create() a new one', {}, { cause })
}

/** The error that a caller understands of one that a plan or the engine throws. */
export function told(error: unknown): unknown {
  return (error as { code?: string } | null)?.code === 'DISPOSED' ? disposedFaceFlow(error) : error
}
