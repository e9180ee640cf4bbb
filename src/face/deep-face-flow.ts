import { EngineError, FaceError } from '../errors.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import { DEPTHS, type DepthSource } from '../nets/depth-from-motion.js'
import { REFINEMENTS, type Refinement } from '../nets/refinement.js'
import { decodePhoto, emitWarning, photoName } from '../platform/index.js'
import { rigidInPhotos } from '../products/rigid-motion.js'
import { abortable } from '../runtime/abort.js'
import { Engine } from '../runtime/engine.js'
import { CallLine, Pending } from './call-line.js'
import { checkCreateOptions, checkedFlowOptions, checkedWaitOptions } from './checked-options.js'
import type { Candidate } from './find/candidate.js'
import { chooseFace, holdsChoice } from './find/face-choice.js'
import { FaceFinder, type FoundFace } from './find/face-finder.js'
import { findPair, findPeople } from './find/pair-finder.js'
import { PhotoNetworks } from './find/photo-networks.js'
import { deriveResult } from './flow-result.js'
import { loadNetworkFiles, type NetworkFiles, sharedFiles } from './network-files.js'
import { ownedPhoto } from './owned-photo.js'
import { assertRegistered } from './register/registered-frame.js'
import { RegisteredPair } from './registered-pair.js'
import { Stopwatch } from './stopwatch.js'
import {
  type CreateOptions,
  DEFAULT_REFINEMENT,
  type FaceFlow,
  type FaceFrame,
  type FlowOptions,
  type FlowResult,
  type GroupFlow,
  type RegisteredFlowResult,
  type VideoFlows,
  type VideoOptions,
  type VideoTracker,
  type WaitOptions,
  type WeightsInfo,
} from './types.js'
import { FaceVideoTracker } from './video/tracker.js'

/**
 * DeepFaceFlow (Koujan, Roussos and Zafeiriou, CVPR 2020): photos in, dense 3D facial flow out.
 *
 * Calls may overlap: faces are looked for in the order of the calls, up to three pairs are on the device at a time, and their
 * results come in that order, the same bits as one by one.
 */
export class DeepFaceFlow implements FaceFlow {
  readonly #engine: Engine
  readonly #files: NetworkFiles
  readonly #networks: PhotoNetworks
  readonly #finder: FaceFinder
  readonly #pair: RegisteredPair
  readonly #line = new CallLine()
  /** False for an engine of the caller. */
  readonly #ownsEngine: boolean
  #disposed = false

  private constructor(
    engine: Engine,
    ownsEngine: boolean,
    files: NetworkFiles,
    pair: RegisteredPair,
    readonly refinement: Refinement,
  ) {
    this.#engine = engine
    this.#ownsEngine = ownsEngine
    this.#files = files
    this.#pair = pair
    this.#networks = new PhotoNetworks(engine, files)
    this.#finder = new FaceFinder(this.#networks, files.template)
  }

  /**
   * Opens the device, reads the weights and compiles the networks.
   * @throws EngineError NO_ADAPTER, INVALID_WEIGHTS, UNSUPPORTED, OUT_OF_MEMORY; FaceError INVALID_WEIGHTS, INVALID_ARGUMENT;
   * the signal's reason if it is aborted
   */
  static async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    checkCreateOptions(options)
    const report = options.onProgress ?? (() => {})
    const refinement = checked('refinement', REFINEMENTS, options.refinement ?? DEFAULT_REFINEMENT)
    const depth = options.depth === undefined ? undefined : checked('depth source', DEPTHS, options.depth)
    return await abortable(DeepFaceFlow.#open(options, refinement, depth, report), options.signal)
  }

  static async #open(
    options: CreateOptions,
    refinement: Refinement,
    depth: DepthSource | undefined,
    report: (step: string) => void,
  ): Promise<DeepFaceFlow> {
    const { signal } = options
    signal?.throwIfAborted()
    report('reading the weights')
    const read = await loadNetworkFiles(options.weights, depth)
    signal?.throwIfAborted()
    report('opening the GPU')
    const ownsEngine = options.engine === undefined
    const open = (adapter: string | undefined) =>
      Engine.open({
        ...(adapter !== undefined && { adapter }),
        ...(options.device !== undefined && { device: options.device }),
        autotune: options.autotune ?? { mode: 'cached' },
        selfTest: {},
      })
    let engine = options.engine ?? (await open(options.adapter))
    const start = async (): Promise<DeepFaceFlow> => {
      const files = sharedFiles(engine, read)
      const pair = await RegisteredPair.create(engine, files, refinement, (done, total) =>
        report(`compiling kernels (${done} of ${total})`),
      )
      const opened = new DeepFaceFlow(engine, ownsEngine, files, pair, refinement)
      if (signal?.aborted) opened.dispose()
      return opened
    }
    const isFree = ownsEngine && options.device === undefined && (options.adapter ?? 'auto') === 'auto'
    try {
      try {
        return await start()
      } catch (error) {
        // The adapter computes wrong: the embedded one is slow, and right.
        if (!(error instanceof EngineError) || error.details.selfTest !== true || !isFree) throw error
        emitWarning(`${error.message}; the embedded software adapter is taken`, 'DEEPFACEFLOW_SELF_TEST')
        engine.dispose()
        engine = await open('embedded')
        return await start()
      }
    } catch (error) {
      if (ownsEngine) engine.dispose()
      throw error
    }
  }

  get adapter(): string {
    return this.#engine.caps.name
  }

  get selection(): string {
    return this.#engine.selection
  }

  get weights(): WeightsInfo {
    return this.#files.info
  }

  /** Where dz comes from. */
  get depthSource(): DepthSource {
    return this.#files.depth === undefined ? 'network' : 'motion'
  }

  async detect(photo: PhotoInput, options: WaitOptions = {}): Promise<FaceFrame[]> {
    const { signal } = checkedWaitOptions(options)
    const own = ownedPhoto(photo)
    return await this.#enqueue(async () => {
      const name = photoName(photo, 'the photo')
      const image = await decodePhoto(own, name)
      const frames: FaceFrame[] = []
      for (const detection of await this.#finder.detect(image, name)) {
        const found = await this.#tryFrame(image, name, detection)
        if (found !== undefined) frames.push(found.frame)
      }
      if (frames.length > 0) return frames
      throw new FaceError('NO_FACE', `${name}: nothing in it holds up as a face; use a clearer photo`, {
        photo: name,
      })
    }, signal)
  }

  async flow(a: PhotoInput, b: PhotoInput, options: FlowOptions = {}): Promise<FlowResult> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch(wanted.signal)
      const [nameA, nameB] = [photoName(a, 'photo A'), photoName(b, 'photo B')]
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([decodePhoto(ownA, nameA), decodePhoto(ownB, nameB)]),
      )
      const {
        a: faceA,
        b: faceB,
        warnings,
      } = await findPair(
        this.#finder,
        { image: imageA, name: nameA },
        { image: imageB, name: nameB },
        wanted,
        (stage, work) => watch.time(stage, work),
      )
      return await this.#between(faceA.frame, faceB.frame, wanted, watch, warnings)
    }, wanted.signal)
  }

  async flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options: Pick<FlowOptions, 'backward' | 'signal'> = {},
  ): Promise<GroupFlow> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch(wanted.signal)
      const [nameA, nameB] = [photoName(a, 'photo A'), photoName(b, 'photo B')]
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([decodePhoto(ownA, nameA), decodePhoto(ownB, nameB)]),
      )
      const found = await findPeople(
        this.#finder,
        { image: imageA, name: nameA },
        { image: imageB, name: nameB },
        (stage, work) => watch.time(stage, work),
      )
      const pairs: Pending<FlowResult>[] = []
      for (const { a: faceA, b: faceB, warnings } of found.pairs) {
        const stopwatch = new Stopwatch(wanted.signal)
        pairs.push(await this.#between(faceA.frame, faceB.frame, wanted, stopwatch, warnings))
      }
      const frames = (faces: readonly FoundFace[]) => faces.map(({ frame }) => frame)
      const people = Promise.all(pairs.map(({ result }) => result))
      return new Pending(
        people.then((all) => ({ people: all, onlyA: frames(found.onlyA), onlyB: frames(found.onlyB) })),
      )
    }, wanted.signal)
  }

  async flowRegistered(
    a: PhotoInput,
    b: PhotoInput,
    options: FlowOptions = {},
  ): Promise<RegisteredFlowResult> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch(wanted.signal)
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([registeredPhoto(ownA, 'frame A'), registeredPhoto(ownB, 'frame B')]),
      )
      return await this.#registered(imageA, imageB, wanted, watch, [], (result) => result)
    }, wanted.signal)
  }

  video<Flows extends VideoFlows = 'both'>(options: VideoOptions<Flows> = {}): VideoTracker<Flows> {
    const wanted = checkedFlowOptions(options)
    const flows = checked('choice of flows', VIDEO_FLOWS, options.flows ?? 'both')
    const choice = wanted.face
    const boxesOf = (faces: readonly Candidate[]) => faces.map(({ box }) => box)
    const tracker = new FaceVideoTracker({
      finder: this.#finder,
      flows,
      enqueue: (task) => this.#enqueue(task, wanted.signal),
      between: (a, b, watch, warnings) => this.#between(a, b, wanted, watch, warnings),
      holdsChoice: (faces) => holdsChoice(boxesOf(faces), choice),
      choose: (faces, photo, name) => faces[chooseFace(boxesOf(faces), choice, photo, name)] as Candidate,
    })
    // What it answers has the flows that it was made for.
    return tracker as unknown as VideoTracker<Flows>
  }

  /**
   * Opens a new device after DEVICE_LOST; results are then the same bits as before.
   * @param device the successor of the caller's device, if `create` was given one
   */
  async recover(device?: GPUDevice): Promise<void> {
    await this.#enqueue(async () => {
      await this.#line.idle()
      this.#networks.dispose()
      await this.#engine.recover(device)
    })
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#networks.dispose()
    this.#pair.dispose()
    if (this.#ownsEngine) this.#engine.dispose()
  }

  async #between(
    a: FaceFrame,
    b: FaceFrame,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
  ): Promise<Pending<FlowResult>> {
    return await this.#registered(a.registered, b.registered, options, watch, warnings, (result) => {
      const rigidPhoto = rigidInPhotos(result.rigid, a.toTemplate, b.toTemplate)
      // Added to it: a copy would compute what nobody may read.
      return Object.assign(result, { a, b, rigidPhoto })
    })
  }

  async #registered<T>(
    a: Rgba,
    b: Rgba,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
    finish: (result: RegisteredFlowResult) => T,
  ): Promise<Pending<T>> {
    const { triangles, ncc } = this.#files
    const facts = {
      triangles,
      ncc,
      weights: this.weights,
      depthSource: this.depthSource,
      refinement: this.refinement,
      adapter: this.adapter,
      warnings,
    }
    return await this.#line.launch(async () => {
      const outputs = await watch.time('flow', () => this.#pair.compute(a, b, options.backward !== false))
      return await watch.time('products', async () =>
        finish(deriveResult(a, b, outputs, facts, () => watch.times)),
      )
    })
  }

  async #tryFrame(image: Rgba, name: string, detection: Candidate): Promise<FoundFace | undefined> {
    try {
      return await this.#finder.frame(image, name, detection)
    } catch (error) {
      if (error instanceof FaceError) return undefined
      throw error
    }
  }

  async #enqueue<T>(task: () => Promise<T | Pending<T>>, signal?: AbortSignal): Promise<T> {
    return await this.#line.enqueue(() => {
      if (this.#disposed) {
        throw new FaceError('DISPOSED', 'this DeepFaceFlow was disposed; create() a new one')
      }
      return task()
    }, signal)
  }
}

const VIDEO_FLOWS: readonly VideoFlows[] = ['both', 'previous', 'reference']

/** @throws FaceError INVALID_ARGUMENT: callers in JavaScript may pass anything */
function checked<T extends string>(what: string, choices: readonly T[], choice: T): T {
  if (choices.includes(choice)) return choice
  throw new FaceError(
    'INVALID_ARGUMENT',
    `there is no ${what} "${String(choice)}"; choose from ${choices.join(', ')}`,
    { [what]: String(choice) },
  )
}

/** @throws FaceError INVALID_INPUT if the image is not 224x224 */
async function registeredPhoto(photo: PhotoInput, otherwise: string): Promise<Rgba> {
  const name = photoName(photo, otherwise)
  const image = await decodePhoto(photo, name)
  assertRegistered(image, name)
  return image
}
