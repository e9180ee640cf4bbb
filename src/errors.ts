/**
 * Every error that leaves the package is one of these: a stable `code` for programs, a message that names
 * the input, the limit and the remedy for people.
 */
export type ErrorCode =
  /** A public call got an argument of the wrong type, range or shape. */
  | 'INVALID_ARGUMENT'
  /** A graph node's inputs do not fit together; the message names the node and the shapes. */
  | 'INVALID_GRAPH'
  /** A caller's GPUBuffer is too small, lacks a usage flag or belongs to another device. */
  | 'INVALID_BUFFER'
  /** A weight file is missing, truncated, of a wrong shape, dtype or hash, or holds NaN or Inf. */
  | 'INVALID_WEIGHTS'
  /** A WGSL file does not preprocess or compile, or disagrees with the TypeScript that drives it. */
  | 'INVALID_SHADER'
  /** No adapter, or not the one asked for; `details` lists what was found. */
  | 'NO_ADAPTER'
  /** The adapter exists but lacks a limit or feature that the request needs. */
  | 'UNSUPPORTED'
  /** The GPU ran out of memory. */
  | 'OUT_OF_MEMORY'
  /** The device was lost; `engine.recover()` rebuilds. */
  | 'DEVICE_LOST'
  /** The object was disposed. */
  | 'DISPOSED'
  /** A step produced NaN or Inf (debug mode), or numbers that a mesh or a file is made of hold one. */
  | 'NUMERIC_OVERFLOW'
  /** An input file is missing, unreadable, damaged, too small or too large. */
  | 'INVALID_INPUT'
  /** No face was found in a photo. */
  | 'NO_FACE'
  /** An output cannot be written (permissions, disk full). */
  | 'OUTPUT_FAILED'
  /** A package that this one needs is not installed or does not load; the message gives reason and remedy. */
  | 'MISSING_DEPENDENCY'
  /** A needed external program (ffmpeg) or server (of a queue) is missing or failed. */
  | 'EXTERNAL_TOOL'

/** Base class of all errors thrown on purpose by deepfaceflow. */
export class DeepFaceFlowError extends Error {
  override readonly name: string = 'DeepFaceFlowError'
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** Facts for programs: file names, sizes, limits, what was found. */
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Errors of the compute engine (`deepfaceflow/engine`). */
export class EngineError extends DeepFaceFlowError {
  override readonly name = 'EngineError'
}

/** Errors of the face level: photos, faces, files. */
export class FaceError extends DeepFaceFlowError {
  override readonly name = 'FaceError'
}

/** Longest text of a value in a message. */
const MAX_PRINTED = 80

/** A value of a caller or a file for a message: of any type, never long, and never an error of its own. */
export function printed(value: unknown, depth = 0): string {
  const text = (() => {
    try {
      if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_PRINTED))
      if (Array.isArray(value)) {
        if (depth > 1) return '[...]'
        const first = value.slice(0, 8).map((item) => printed(item, depth + 1))
        return `[${[...first, ...(value.length > 8 ? ['...'] : [])].join(', ')}]`
      }
      if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value)
      return String(value)
    } catch {
      return `a ${typeof value}`
    }
  })()
  return text.length > MAX_PRINTED ? `${text.slice(0, MAX_PRINTED - 3)}...` : text
}
