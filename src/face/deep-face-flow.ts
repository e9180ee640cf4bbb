import { FaceError } from '../errors.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import { type Extent, extendedRows } from '../nets/face-extent.js'
import type { Refinement } from '../nets/refinement.js'
import { decodePhoto, photoName } from '../platform/index.js'
import { rigidInPhotos } from '../products/rigid-motion.js'
import { abortable } from '../runtime/abort.js'
import type { Engine } from '../runtime/engine.js'
import { Gathering } from '../runtime/gathering.js'
import { CallLine, Pending } from './call-line.js'
import {
  checkCreateOptions,
  checkedBatchOptions,
  checkedFlowOptions,
  checkedFlowTargets,
  checkedName,
  checkedPairs,
  checkedWaitOptions,
} from './checked-options.js'
import { disposedFaceFlow, told } from './disposed.js'
import type { Candidate } from './find/candidate.js'
import { chooseFace, holdsChoice } from './find/face-choice.js'
import { FaceFinder, type FoundFace, type LocatedFace } from './find/face-finder.js'
import type { FoundPair } from './find/pair-finder.js'
import { PhotoNetworks } from './find/photo-networks.js'
import { type FramePair, holdingFrames } from './held-frames.js'
import type { NetworkFiles } from './network-files.js'
import { chosenNames, type FaceFlowParts, openFaceFlow } from './open-face-flow.js'
import { ownedPhoto } from './owned-photo.js'
import { type Computed, PairRunner } from './pair-runner.js'
import { guided } from './register/guided-frame.js'
import { RegisteredBatches } from './registered-batches.js'
import { RegisteredPair } from './registered-pair.js'
import { Stopwatch } from './stopwatch.js'
import type {
  BatchOptions,
  CreateOptions,
  FaceFlow,
  FaceFrame,
  FaceMeasures,
  FacesTracker,
  FlowOptions,
  FlowResult,
  FlowTargets,
  FrameInput,
  GroupFlow,
  RegisteredFlowResult,
  VideoFlows,
  VideoOptions,
  VideoTracker,
  WaitOptions,
  WeightsInfo,
} from './types.js'
import { DeferredEverybodyTracker, DeferredVideoTracker } from './video/deferred-trackers.js'
import { faceMeasures } from './video/face-figures.js'

/**
 * DeepFaceFlow (Koujan, Roussos and Zafeiriou, CVPR 2020): photos in, dense 3D facial flow out.
 *
 * Calls may overlap: faces are looked for in the order of the calls, up to three pairs are on the device at a time, and their
 * results come in that order, the same bits as one by one.
 */
export class DeepFaceFlow implements FaceFlow {
  readonly #engine: Engine
  readonly #files: NetworkFiles
  /** One for each photo of a pair. */
  readonly #networks: readonly [PhotoNetworks, PhotoNetworks]
  readonly #finders: readonly [FaceFinder, FaceFinder]
  readonly #runner: PairRunner
  readonly #line = new CallLine()
  /** False for an engine of the caller. */
  readonly #ownsEngine: boolean
  #disposed = false

  readonly refinement: Refinement

  protected constructor({ engine, ownsEngine, files, pair, refinement }: FaceFlowParts) {
    this.refinement = refinement
    this.#engine = engine
    this.#ownsEngine = ownsEngine
    this.#files = files
    const batches = new RegisteredBatches(pair, (layout) =>
      RegisteredPair.create(engine, files, refinement, undefined, layout),
    )
    const { info: weights } = files
    const { depthSource } = this
    const facts = { files, weights, depthSource, refinement, extent: this.extent, adapter: this.adapter }
    this.#runner = new PairRunner(engine, batches, this.#line, facts)
    const gathering = new Gathering()
    this.#networks = [
      new PhotoNetworks(engine, files, gathering),
      new PhotoNetworks(engine, files, gathering),
    ]
    const [first, second] = this.#networks
    this.#finders = [new FaceFinder(first, files.template), new FaceFinder(second, files.template)]
  }

  /**
   * Opens the device (first: where there is none, no weights are downloaded), reads the weights and compiles the networks.
   * @throws EngineError NO_ADAPTER, INVALID_WEIGHTS, UNSUPPORTED, OUT_OF_MEMORY; FaceError INVALID_WEIGHTS, INVALID_ARGUMENT;
   * the signal's reason if it is aborted
   */
  static async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    checkCreateOptions(options)
    const names = chosenNames(options)
    const { signal } = options
    const opening = openFaceFlow(options, names)
    // Of the class that was asked: one above may have more to offer.
    return new this(await abortable(opening, signal))
  }

  /** For what is built upon the face level. */
  protected get engine(): Engine {
    return this.#engine
  }

  /** What the networks are made of; as `engine`. */
  protected get files(): NetworkFiles {
    return this.#files
  }

  /** As `engine`. @throws FaceError DISPOSED */
  protected assertOpen(): void {
    if (this.#disposed) throw disposedFaceFlow()
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

  /** How far the face reaches. */
  get extent(): Extent {
    return this.#files.extent === undefined ? 'mesh' : 'face'
  }

  async detect(photo: PhotoInput, options: WaitOptions = {}): Promise<FaceFrame[]> {
    const { signal } = checkedWaitOptions('detect()', options)
    const own = ownedPhoto(photo)
    return await this.#enqueue(async () => {
      const name = photoName(photo, 'the photo')
      const image = await decodePhoto(own, name)
      const frames: FaceFrame[] = []
      for (const detection of await this.#finders[0].detect(image, name)) {
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
    const wanted = checkedFlowOptions('flow()', options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch(wanted.signal)
      const [nameA, nameB] = [photoName(a, 'photo A'), photoName(b, 'photo B')]
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([decodePhoto(ownA, nameA), decodePhoto(ownB, nameB)]),
      )
      const [finderA, finderB] = this.#finders
      // Pages that bring registered frames or a video do without.
      const { findPair } = await import('./find/pair-finder.js')
      const found = await findPair(
        { finder: finderA, image: imageA, name: nameA },
        { finder: finderB, image: imageB, name: nameB },
        wanted,
        (stage, work) => watch.time(stage, work),
      )
      return await this.#betweenPhotos(found, wanted, watch)
    }, wanted.signal)
  }

  async flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options: Pick<FlowOptions, 'backward' | 'signal'> = {},
  ): Promise<GroupFlow> {
    const wanted = checkedFlowOptions('flowAll()', options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch(wanted.signal)
      const [nameA, nameB] = [photoName(a, 'photo A'), photoName(b, 'photo B')]
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([decodePhoto(ownA, nameA), decodePhoto(ownB, nameB)]),
      )
      const [finderA, finderB] = this.#finders
      const { findPeople } = await import('./find/pair-finder.js')
      const found = await findPeople(
        { finder: finderA, image: imageA, name: nameA },
        { finder: finderB, image: imageB, name: nameB },
        (stage, work) => watch.time(stage, work),
      )
      const pairs: Pending<FlowResult>[] = []
      for (const pair of found.pairs) {
        pairs.push(await this.#betweenPhotos(pair, wanted, new Stopwatch(wanted.signal)))
      }
      const frames = async (finder: FaceFinder, faces: readonly LocatedFace[]): Promise<FaceFrame[]> => {
        const registered: FaceFrame[] = []
        for (const face of faces) registered.push((await finder.registered(face)).frame)
        return registered
      }
      const [onlyA, onlyB] = await Promise.all([frames(finderA, found.onlyA), frames(finderB, found.onlyB)])
      const people = Promise.all(pairs.map(({ result }) => result))
      return new Pending(people.then((all) => ({ people: all, onlyA, onlyB })))
    }, wanted.signal)
  }

  async flowRegistered(
    a: FrameInput,
    b: FrameInput,
    options: FlowOptions = {},
  ): Promise<RegisteredFlowResult> {
    const wanted = checkedFlowOptions('flowRegistered()', options)
    return await this.#enqueueHeld([[a, b]], wanted.signal, async ([own]) => {
      const watch = new Stopwatch(wanted.signal)
      const pair = await watch.time('decode', () => this.#runner.frames(...own))
      return await this.#runner.one(pair, wanted, watch, [], (result) => result)
    })
  }

  /**
   * `flowRegistered` of many pairs, several in one submission: for throughput, since a GPU is filled better and a pair waits for its
   * batch. Results have the same bits; `timingsMs` are those of a pair's batch.
   * @param pairs frames as of `flowRegistered`; pairs with frames on the device are computed one by one, as are those left over
   * @returns one result a pair, in the order of the list
   * @throws as `flowRegistered`, for the first pair that fails; FaceError INVALID_ARGUMENT; EngineError OUT_OF_MEMORY, or
   * UNSUPPORTED, if the device cannot hold a batch of that size
   */
  async flowRegisteredAll(
    pairs: readonly (readonly [FrameInput, FrameInput])[],
    options: BatchOptions = {},
  ): Promise<RegisteredFlowResult[]> {
    const { batch, ...wanted } = checkedBatchOptions(options)
    return await this.#enqueueHeld(checkedPairs(pairs), wanted.signal, async (own) => {
      const watch = new Stopwatch(wanted.signal)
      const frames = await watch.time('decode', () =>
        Promise.all(own.map(([a, b], index) => this.#runner.frames(a, b, ` of pair ${index}`))),
      )
      return await this.#runner.all(frames, batch, wanted)
    })
  }

  /**
   * Flow of registered frames that stays on the device: nothing is read back, nothing is derived. Frames as of `flowRegistered`.
   * @param to at least one place: `flow`, and `backwardFlow` for the flow from B to A; 224x224x3 floats each, as in the result of
   * `flowRegistered`. Buffers and slices of 602,112 bytes need COPY_DST; textures of 224x224 px STORAGE_BINDING and the format
   * rgba32float or rgba16float: dx, dy, dz and 1. What is there belongs to the caller.
   * @returns settles when the device has accepted the commands: what the caller submits from then on sees the flow
   * @throws FaceError INVALID_INPUT, INVALID_ARGUMENT; EngineError INVALID_BUFFER for what does not fit; the signal's reason
   */
  async flowOnDevice(
    a: FrameInput,
    b: FrameInput,
    to: FlowTargets,
    options: WaitOptions = {},
  ): Promise<void> {
    const { signal } = checkedWaitOptions('flowOnDevice()', options)
    const targets = checkedFlowTargets(to)
    await this.#enqueueHeld([[a, b]], signal, ([own]) => this.#runner.onDevice(...own, targets))
  }

  video<Flows extends VideoFlows = 'both'>(options: VideoOptions<Flows> = {}): VideoTracker<Flows> {
    const wanted = checkedFlowOptions('video()', options)
    const flows = checkedName('choice of flows', VIDEO_FLOWS, options.flows ?? 'both')
    const { smooth = true } = options
    const { extent } = this.#files
    const choice = wanted.face
    const boxesOf = (faces: readonly Candidate[]) => faces.map(({ box }) => box)
    const tracker = new DeferredVideoTracker({
      finder: this.#finders[0],
      flows,
      smooth,
      triangles: (extent ?? this.#files).triangles,
      onward: (rows) => (extent === undefined ? rows : extendedRows(rows, extent.table, 3)),
      enqueue: (task) => this.#enqueue(task, wanted.signal),
      flowsTo: (froms, to, watch, warnings) => this.#flowsTo(froms, to, wanted, watch, warnings),
      holdsChoice: (faces) => holdsChoice(boxesOf(faces), choice),
      choose: (faces, photo, name) => faces[chooseFace(boxesOf(faces), choice, photo, name)] as Candidate,
    })
    // What it answers has the flows that it was made for.
    return tracker as unknown as VideoTracker<Flows>
  }

  everybody(options: WaitOptions = {}): FacesTracker {
    const { signal } = checkedWaitOptions('everybody()', options)
    return new DeferredEverybodyTracker({
      finder: this.#finders[0],
      enqueue: (task) => this.#enqueue(task, signal),
    })
  }

  measure(face: FaceFrame): FaceMeasures {
    const { ncc, template, triangles } = this.#files
    return faceMeasures(face, ncc, template, triangles)
  }

  /**
   * Opens a new device after DEVICE_LOST; results are then the same bits as before.
   * @param device the successor of the caller's device, if `create` was given one
   */
  async recover(device?: GPUDevice): Promise<void> {
    await this.#enqueue(async () => {
      await this.#line.idle()
      for (const networks of this.#networks) networks.dispose()
      await this.#engine.recover(device)
    })
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    for (const networks of this.#networks) networks.dispose()
    this.#runner.dispose()
    if (this.#ownsEngine) this.#engine.dispose()
  }

  async #flowsTo(
    froms: readonly FaceFrame[],
    b: FaceFrame,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
  ): Promise<Pending<readonly Computed<FlowResult>[]>> {
    const pairs = froms.map((a, index) => ({
      frames: [guided(a.registered, a), guided(b.registered, b)] as const,
      watch: index === 0 ? watch : new Stopwatch(),
      warnings: index === 0 ? warnings : [],
      finish: (result: RegisteredFlowResult): FlowResult => {
        const rigidPhoto = rigidInPhotos(result.rigid, a.toTemplate, b.toTemplate)
        // Added to it: a copy would compute what nobody may read.
        return Object.assign(result, { a, b, rigidPhoto })
      },
    }))
    return await this.#runner.computed(pairs, options)
  }

  /** Both faces are registered in the submission of the pair, and their frames stay on the device for it. */
  async #betweenPhotos(
    { a, b, warnings }: FoundPair,
    options: FlowOptions,
    watch: Stopwatch,
  ): Promise<Pending<FlowResult>> {
    const [finderA, finderB] = this.#finders
    const pair = [guided(finderA.registration(a), a.frame), guided(finderB.registration(b), b.frame)] as const
    return await this.#runner.one(pair, options, watch, warnings, (result) => {
      const { registeredA, registeredB, rigid } = result
      return Object.assign(result, {
        a: { ...a.frame, registered: registeredA },
        b: { ...b.frame, registered: registeredB },
        rigidPhoto: rigidInPhotos(rigid, a.frame.toTemplate, b.frame.toTemplate),
      })
    })
  }

  async #tryFrame(image: Rgba, name: string, detection: Candidate): Promise<FoundFace | undefined> {
    try {
      return await this.#finders[0].frame(image, name, detection)
    } catch (error) {
      if (error instanceof FaceError) return undefined
      throw error
    }
  }

  async #enqueue<T>(task: () => Promise<T | Pending<T>>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#line.enqueue(() => {
        this.assertOpen()
        return task()
      }, signal)
    } catch (error) {
      // In the middle of a call it is a plan that notices.
      throw this.#disposed ? told(error) : error
    }
  }

  /** As `#enqueue`, with frames as they are at the call. */
  async #enqueueHeld<T, const Pairs extends readonly FramePair[]>(
    pairs: Pairs,
    signal: AbortSignal | undefined,
    task: (own: Pairs) => Promise<T | Pending<T>>,
  ): Promise<T> {
    return await holdingFrames(this.#engine, pairs, (own) => this.#enqueue(() => task(own as Pairs), signal))
  }
}

const VIDEO_FLOWS: readonly VideoFlows[] = ['both', 'previous', 'reference', 'none']
