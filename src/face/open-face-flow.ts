import { EngineError } from '../errors.js'
import { DEPTHS, type DepthSource } from '../nets/depth-from-motion.js'
import { EXTENTS, type Extent } from '../nets/face-extent.js'
import { REFINEMENTS, type Refinement } from '../nets/refinement.js'
import { emitWarning } from '../platform/index.js'
import { Engine } from '../runtime/engine.js'
import { checkedName } from './checked-options.js'
import { loadNetworkFiles, type NetworkFiles, sharedFiles } from './network-files.js'
import { RegisteredPair } from './registered-pair.js'
import { type CreateOptions, DEFAULT_REFINEMENT } from './types.js'

/** What a face level is made of. */
export interface FaceFlowParts {
  readonly engine: Engine
  /** False for an engine of the caller. */
  readonly ownsEngine: boolean
  readonly files: NetworkFiles
  readonly pair: RegisteredPair
  readonly refinement: Refinement
}

/** Names among the options. */
export interface ChosenNames {
  readonly refinement: Refinement
  readonly depth: DepthSource | undefined
  readonly extent: Extent | undefined
}

/** @throws FaceError INVALID_ARGUMENT for a name that there is not */
export function chosenNames({ refinement, depth, extent }: CreateOptions): ChosenNames {
  return {
    refinement: checkedName('refinement', REFINEMENTS, refinement ?? DEFAULT_REFINEMENT),
    depth: depth === undefined ? undefined : checkedName('depth source', DEPTHS, depth),
    extent: extent === undefined ? undefined : checkedName('extent', EXTENTS, extent),
  }
}

/**
 * Opens the device (first: where there is none, no weights are downloaded), reads the weights and compiles the networks.
 * @param options checked
 * @throws EngineError NO_ADAPTER, INVALID_WEIGHTS, UNSUPPORTED, OUT_OF_MEMORY; FaceError INVALID_WEIGHTS; the signal's reason. Nothing
 * stays open then
 */
export async function openFaceFlow(options: CreateOptions, names: ChosenNames): Promise<FaceFlowParts> {
  const { signal } = options
  const report = options.onProgress ?? (() => {})
  signal?.throwIfAborted()
  report('opening the GPU')
  const ownsEngine = options.engine === undefined
  let engine = options.engine ?? (await openEngine(options, options.adapter))
  const start = async (read: NetworkFiles): Promise<FaceFlowParts> => {
    const files = sharedFiles(engine, read)
    const pair = await RegisteredPair.create(engine, files, names.refinement, (done, total) =>
      report(`compiling kernels (${done} of ${total})`),
    )
    if (signal?.aborted) pair.dispose()
    signal?.throwIfAborted()
    return { engine, ownsEngine, files, pair, refinement: names.refinement }
  }
  const isFree = ownsEngine && options.device === undefined && (options.adapter ?? 'auto') === 'auto'
  try {
    signal?.throwIfAborted()
    report('reading the weights')
    const read = await loadNetworkFiles(options.weights, names.depth, options, names.extent)
    signal?.throwIfAborted()
    try {
      return await start(read)
    } catch (error) {
      // The adapter computes wrong: the embedded one is slow, and right.
      if (!(error instanceof EngineError) || error.details.selfTest !== true || !isFree) throw error
      emitWarning(`${error.message}; the embedded software adapter is taken`, 'DEEPFACEFLOW_SELF_TEST')
      engine.dispose()
      engine = await openEngine(options, 'embedded')
      return await start(read)
    }
  } catch (error) {
    if (ownsEngine) engine.dispose()
    throw error
  }
}

async function openEngine(options: CreateOptions, adapter: string | undefined): Promise<Engine> {
  return await Engine.open({
    ...(adapter !== undefined && { adapter }),
    ...(options.device !== undefined && { device: options.device }),
    ...(options.powerPreference !== undefined && { powerPreference: options.powerPreference }),
    autotune: options.autotune ?? { mode: 'cached' },
    selfTest: {},
  })
}
