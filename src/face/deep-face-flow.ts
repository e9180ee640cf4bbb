import { FaceError } from '../errors.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import { DEPTHS, type DepthSource } from '../nets/depth-from-motion.js'
import { REFINEMENTS, type Refinement } from '../nets/refinement.js'
import { decodePhoto, photoName } from '../platform/index.js'
import { rigidInPhotos } from '../products/rigid-motion.js'
import { Engine } from '../runtime/engine.js'
import { checkCreateOptions, checkedFlowOptions } from './checked-options.js'
import type { Candidate } from './find/candidate.js'
import { chooseFace, holdsChoice } from './find/face-choice.js'
import { FaceFinder, type FoundFace } from './find/face-finder.js'
import { findPair, findPeople } from './find/pair-finder.js'
import { PhotoNetworks } from './find/photo-networks.js'
import { deriveResult } from './flow-result.js'
import { loadNetworkFiles, type NetworkFiles } from './network-files.js'
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
  type VideoTracker,
  type WeightsInfo,
} from './types.js'
import { FaceVideoTracker } from './video/tracker.js'

/**
 * DeepFaceFlow (Koujan, Roussos and Zafeiriou, CVPR 2020): photos in, dense 3D facial flow out.
 *
 * Calls may overlap; they are worked off one after another on the one device.
 */
export class DeepFaceFlow implements FaceFlow {
  readonly #engine: Engine
  readonly #files: NetworkFiles
  readonly #networks: PhotoNetworks
  readonly #finder: FaceFinder
  readonly #pair: RegisteredPair
  #queue: Promise<unknown> = Promise.resolve()
  #disposed = false

  private constructor(
    engine: Engine,
    files: NetworkFiles,
    pair: RegisteredPair,
    readonly refinement: Refinement,
  ) {
    this.#engine = engine
    this.#files = files
    this.#pair = pair
    this.#networks = new PhotoNetworks(engine, files)
    this.#finder = new FaceFinder(this.#networks, files.template)
  }

  /**
   * Opens the device, reads the weights and compiles the networks.
   * @throws EngineError NO_ADAPTER, INVALID_WEIGHTS, UNSUPPORTED, OUT_OF_MEMORY; FaceError INVALID_WEIGHTS
   */
  static async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    checkCreateOptions(options)
    const report = options.onProgress ?? (() => {})
    const refinement = checked('refinement', REFINEMENTS, options.refinement ?? DEFAULT_REFINEMENT)
    const depth = options.depth === undefined ? undefined : checked('depth source', DEPTHS, options.depth)
    report('reading the weights')
    const files = await loadNetworkFiles(options.weights, depth)
    report('opening the GPU')
    const engine = await Engine.open({
      ...(options.adapter !== undefined && { adapter: options.adapter }),
      ...(options.device !== undefined && { device: options.device }),
      autotune: options.autotune ?? { mode: 'cached' },
    })
    try {
      const pair = await RegisteredPair.create(engine, files, refinement, (done, total) =>
        report(`compiling kernels (${done} of ${total})`),
      )
      return new DeepFaceFlow(engine, files, pair, refinement)
    } catch (error) {
      engine.dispose()
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

  async detect(photo: PhotoInput): Promise<FaceFrame[]> {
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
    })
  }

  async flow(a: PhotoInput, b: PhotoInput, options: FlowOptions = {}): Promise<FlowResult> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch()
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
    })
  }

  async flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options: Pick<FlowOptions, 'backward'> = {},
  ): Promise<GroupFlow> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch()
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
      const people: FlowResult[] = []
      for (const pair of found.pairs) {
        people.push(await this.#between(pair.a.frame, pair.b.frame, wanted, new Stopwatch(), pair.warnings))
      }
      const frames = (faces: readonly FoundFace[]) => faces.map(({ frame }) => frame)
      return { people, onlyA: frames(found.onlyA), onlyB: frames(found.onlyB) }
    })
  }

  async flowRegistered(
    a: PhotoInput,
    b: PhotoInput,
    options: FlowOptions = {},
  ): Promise<RegisteredFlowResult> {
    const wanted = checkedFlowOptions(options)
    const [ownA, ownB] = [ownedPhoto(a), ownedPhoto(b)]
    return await this.#enqueue(async () => {
      const watch = new Stopwatch()
      const [imageA, imageB] = await watch.time('decode', () =>
        Promise.all([registeredPhoto(ownA, 'frame A'), registeredPhoto(ownB, 'frame B')]),
      )
      return await this.#registered(imageA, imageB, wanted, watch, [])
    })
  }

  video(options: FlowOptions = {}): VideoTracker {
    const wanted = checkedFlowOptions(options)
    const choice = wanted.face
    const boxesOf = (faces: readonly Candidate[]) => faces.map(({ box }) => box)
    return new FaceVideoTracker({
      finder: this.#finder,
      enqueue: (task) => this.#enqueue(task),
      between: (a, b, watch, warnings) => this.#between(a, b, wanted, watch, warnings),
      holdsChoice: (faces) => holdsChoice(boxesOf(faces), choice),
      choose: (faces, photo, name) => faces[chooseFace(boxesOf(faces), choice, photo, name)] as Candidate,
    })
  }

  /**
   * Opens a new device after DEVICE_LOST; results are then the same bits as before.
   * @param device the successor of the caller's device, if `create` was given one
   */
  async recover(device?: GPUDevice): Promise<void> {
    await this.#enqueue(async () => {
      this.#networks.dispose()
      await this.#engine.recover(device)
    })
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#networks.dispose()
    this.#pair.dispose()
    this.#engine.dispose()
  }

  async #between(
    a: FaceFrame,
    b: FaceFrame,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
  ): Promise<FlowResult> {
    const result = await this.#registered(a.registered, b.registered, options, watch, warnings)
    const rigidPhoto = rigidInPhotos(result.rigid, a.toTemplate, b.toTemplate)
    // Added to it: a copy would compute what nobody may read.
    return Object.assign(result, { a, b, rigidPhoto })
  }

  async #registered(
    a: Rgba,
    b: Rgba,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
  ): Promise<RegisteredFlowResult> {
    const outputs = await watch.time('flow', () => this.#pair.compute(a, b, options.backward !== false))
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
    return await watch.time('products', async () => deriveResult(a, b, outputs, facts, () => watch.times))
  }

  async #tryFrame(image: Rgba, name: string, detection: Candidate): Promise<FoundFace | undefined> {
    try {
      return await this.#finder.frame(image, name, detection)
    } catch (error) {
      if (error instanceof FaceError) return undefined
      throw error
    }
  }

  async #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => {
      if (this.#disposed) {
        throw new FaceError('DISPOSED', 'this DeepFaceFlow was disposed; create() a new one')
      }
      return task()
    })
    this.#queue = turn.catch(() => undefined)
    return await turn
  }
}

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
