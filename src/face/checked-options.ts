import { FaceError } from '../errors.js'
import { checkedChoice } from './find/face-choice.js'
import type { CreateOptions, FlowOptions, WaitOptions } from './types.js'

/** Callers in JavaScript may pass anything, and change it while a call waits for its turn. */

/**
 * The options as they are now.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkedFlowOptions(options: FlowOptions): FlowOptions {
  assertObject(options)
  const { backward, signal } = options
  const face = checkedChoice(options.face, 'face')
  const faceB = checkedChoice(options.faceB, 'faceB')
  assertType('backward', backward, 'boolean')
  assertSignal(signal)
  return {
    ...(face && { face: { ...face } }),
    ...(faceB && { faceB: { ...faceB } }),
    ...(backward !== undefined && { backward }),
    ...(signal && { signal }),
  }
}

/** As `checkedFlowOptions`. */
export function checkedWaitOptions(options: WaitOptions): WaitOptions {
  assertObject(options)
  assertSignal(options.signal)
  return { ...(options.signal && { signal: options.signal }) }
}

/**
 * Types of what `create` hands on; values are checked where they are used.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkCreateOptions(options: CreateOptions): void {
  assertObject(options)
  assertType('adapter', options.adapter, 'string')
  assertType('weights', options.weights, 'string')
  assertType('onProgress', options.onProgress, 'function')
  assertSignal(options.signal)
  const { engine } = options
  if (engine === undefined) return
  if (typeof engine?.compile !== 'function') {
    throw new FaceError('INVALID_ARGUMENT', `engine is what Engine.open() gives, got ${String(engine)}`)
  }
  for (const option of ['adapter', 'device', 'autotune'] as const) {
    if (options[option] === undefined) continue
    throw new FaceError('INVALID_ARGUMENT', `${option} is that of the engine: leave it out beside engine`, {
      option,
    })
  }
}

function assertSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return
  throw new FaceError('INVALID_ARGUMENT', `signal must be an AbortSignal, got ${String(signal)}`, {
    option: 'signal',
  })
}

function assertObject(options: object): void {
  if (typeof options === 'object' && options !== null) return
  throw new FaceError('INVALID_ARGUMENT', `options are an object, got ${String(options)}`)
}

function assertType(option: string, value: unknown, type: 'boolean' | 'string' | 'function'): void {
  if (value === undefined || typeof value === type) return
  throw new FaceError('INVALID_ARGUMENT', `${option} must be a ${type}, got a ${typeof value}`, { option })
}
