import { FaceError, printed } from '../errors.js'
import { MAX_REGISTERED_BATCH } from '../nets/registered-flow.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'
import type { PlanTargets } from '../runtime/plan.js'
import { checkedChoice } from './find/face-choice.js'
import type {
  BatchOptions,
  CreateOptions,
  FlowOptions,
  FlowTargets,
  FrameInput,
  VideoOptions,
  WaitOptions,
} from './types.js'

/** Callers in JavaScript may pass anything, and change it while a call waits for its turn. */

const WAIT_OPTIONS: OptionNames<WaitOptions> = { signal: true }
const FLOW_OPTIONS: OptionNames<FlowOptions> = { ...WAIT_OPTIONS, face: true, faceB: true, backward: true }
const GROUP_OPTIONS: OptionNames<Pick<FlowOptions, 'backward' | 'signal'>> = {
  ...WAIT_OPTIONS,
  backward: true,
}
const BATCH_OPTIONS: OptionNames<BatchOptions> = { ...GROUP_OPTIONS, batch: true }
const VIDEO_OPTIONS: OptionNames<VideoOptions> = { ...FLOW_OPTIONS, flows: true, smooth: true }
const FLOW_CALLS = {
  'flow()': FLOW_OPTIONS,
  'flowAll()': GROUP_OPTIONS,
  'flowRegistered()': FLOW_OPTIONS,
  'flowRegisteredAll()': BATCH_OPTIONS,
  'video()': VIDEO_OPTIONS,
} as const
const FLOW_TARGETS: OptionNames<FlowTargets> = { flow: true, backwardFlow: true }
const CREATE_OPTIONS: OptionNames<CreateOptions> = {
  adapter: true,
  powerPreference: true,
  device: true,
  weights: true,
  weightsUrl: true,
  onDownload: true,
  depth: true,
  refinement: true,
  extent: true,
  autotune: true,
  engine: true,
  signal: true,
  onProgress: true,
}

/**
 * The options as they are now.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkedFlowOptions(
  what: keyof typeof FLOW_CALLS,
  options: FlowOptions & Partial<VideoOptions> & Partial<BatchOptions>,
): FlowOptions {
  checkOptionNames<object>(what, options, FLOW_CALLS[what], FaceError)
  const { backward, signal } = options
  assertType('smooth', options.smooth, 'boolean')
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

/** The knee of the modelled gain, see docs/performance.md. */
const DEFAULT_BATCH = 4

/** As `checkedFlowOptions`. */
export function checkedBatchOptions(options: BatchOptions): FlowOptions & { readonly batch: number } {
  const wanted = checkedFlowOptions('flowRegisteredAll()', options)
  const { batch = DEFAULT_BATCH } = options
  if (!Number.isInteger(batch) || batch < 1 || batch > MAX_REGISTERED_BATCH) {
    throw new FaceError(
      'INVALID_ARGUMENT',
      `batch must be a whole number from 1 to ${MAX_REGISTERED_BATCH} (pairs of one submission), got ${printed(batch)}; a list of pairs may be longer`,
      { option: 'batch' },
    )
  }
  return { ...wanted, batch }
}

/**
 * The list as it is now.
 * @throws FaceError INVALID_ARGUMENT that names what is no pair
 */
export function checkedPairs(
  pairs: readonly (readonly [FrameInput, FrameInput])[],
): (readonly [FrameInput, FrameInput])[] {
  if (!Array.isArray(pairs)) {
    throw new FaceError('INVALID_ARGUMENT', `pairs are a list of [a, b], got ${printed(pairs)}`)
  }
  return Array.from(pairs, (pair, index) => {
    if (Array.isArray(pair) && pair.length === 2) return [pair[0], pair[1]]
    throw new FaceError('INVALID_ARGUMENT', `pair ${index} must be [a, b], got ${printed(pair)}`, {
      pair: index,
    })
  })
}

/** As `checkedFlowOptions`. */
export function checkedWaitOptions(what: string, options: WaitOptions): WaitOptions {
  checkOptionNames(what, options, WAIT_OPTIONS, FaceError)
  assertSignal(options.signal)
  return { ...(options.signal && { signal: options.signal }) }
}

/**
 * Types of what `create` hands on; values are checked where they are used.
 * @throws FaceError INVALID_ARGUMENT that names the option
 */
export function checkCreateOptions(options: CreateOptions): void {
  checkOptionNames('create()', options, CREATE_OPTIONS, FaceError)
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

/**
 * The places that flows go to.
 * @throws FaceError INVALID_ARGUMENT where there is none
 */
export function checkedFlowTargets(to: FlowTargets): PlanTargets {
  checkOptionNames('flowOnDevice(): to', to, FLOW_TARGETS, FaceError)
  const { flow, backwardFlow } = to
  if (flow === undefined && backwardFlow === undefined) {
    throw new FaceError('INVALID_ARGUMENT', 'to names a place for flow or backwardFlow, it has neither')
  }
  return { ...(flow && { flow }), ...(backwardFlow && { backwardFlow }) }
}

/** One of some names. @throws FaceError INVALID_ARGUMENT that lists them */
export function checkedName<T extends string>(what: string, choices: readonly T[], choice: T): T {
  if (choices.includes(choice)) return choice
  throw new FaceError(
    'INVALID_ARGUMENT',
    `there is no ${what} "${String(choice)}"; choose from ${choices.join(', ')}`,
    { [what]: String(choice) },
  )
}

function assertSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return
  throw new FaceError('INVALID_ARGUMENT', `signal must be an AbortSignal, got ${String(signal)}`, {
    option: 'signal',
  })
}

function assertType(option: string, value: unknown, type: 'boolean' | 'string' | 'function'): void {
  if (value === undefined || typeof value === type) return
  throw new FaceError('INVALID_ARGUMENT', `${option} must be a ${type}, got a ${typeof value}`, { option })
}
