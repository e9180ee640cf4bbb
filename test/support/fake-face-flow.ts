import type { AnimateOptions, Animation, ObservedFrame } from '../../src/animate/types.js'
import type { CliContext } from '../../src/cli/context.js'
import { FaceError } from '../../src/errors.js'
import type { ExpressiveFaceFlow } from '../../src/expression/deep-face-flow.js'
import type { FaceRig } from '../../src/expression/face-rig.js'
import { COEFFICIENT_NAMES } from '../../src/expression/names.js'
import type {
  Coefficients,
  Expression,
  ExpressionInput,
  ExpressionMemory,
  ExpressionOptions,
  ExpressionStream,
  ExpressiveFlowResult,
  ExpressiveGroupFlow,
} from '../../src/expression/types.js'
import type {
  CreateOptions,
  FaceFrame,
  FaceMeasures,
  FacesTracker,
  FlowOptions,
  FlowResult,
  RegisteredFace,
  RegisteredFlowResult,
  TrackerMemory,
  VideoOptions,
  VideoTracker,
} from '../../src/face/types.js'
import type { PhotoInput } from '../../src/geometry/types.js'
import { decodePhoto } from '../../src/platform/node/image.js'

const FAKE_MEMORY: TrackerMemory = { picture: 'fake' }
/** Of a frame that shows the face; what is in it is the tracker's. */
const FAKE_FACE_MEMORY = { picture: 'fake', face: {} } as TrackerMemory

/**
 * A face level without networks for tests of the command line: decodes its inputs, so that bad photos fail
 * as they do in earnest, and answers with a prepared result.
 */
export class FakeFaceFlow implements ExpressiveFaceFlow {
  readonly selection = 'adapter: fake'
  readonly adapter = 'test adapter'
  readonly calls: { method: string; inputs: PhotoInput[]; options?: FlowOptions | undefined }[] = []
  disposed = false
  memory: TrackerMemory | null = null
  /** What the tracker was last resumed from. */
  memories: readonly (TrackerMemory | null)[] = []
  /** What `video` was called with. */
  videoOptions: VideoOptions<'both'> | undefined
  /** Called before each computation; throw here to let one fail. */
  onCall: (inputs: readonly PhotoInput[]) => void | Promise<void> = () => undefined

  /** What it was opened with: results say so, as those of the networks do. */
  options: CreateOptions = {}

  constructor(private readonly prepared: FlowResult) {}

  private get result(): ExpressiveFlowResult {
    const { refinement = this.prepared.refinement } = this.options
    const expression: ExpressiveFlowResult['expression'] = async (options) => {
      const [a, b] = [
        await this.expression(this.prepared.a, options),
        await this.expression(this.prepared.b, options),
      ]
      return { a, b }
    }
    return { ...this.prepared, ...this.network(this.options), refinement, expression }
  }

  get weights() {
    return this.network(this.options).weights
  }

  /** The prepared network, or one by the name that is asked for. */
  network({ weights: name, depth, extent }: CreateOptions) {
    const { weights, depthSource } = this.prepared
    return {
      weights: name === undefined ? weights : { ...weights, name, hash: name },
      depthSource: depth ?? depthSource,
      extent: extent ?? this.prepared.extent,
    }
  }

  async detect(photo: PhotoInput): Promise<FaceFrame[]> {
    await this.take('detect', [photo])
    return [this.result.a]
  }

  async flow(a: PhotoInput, b: PhotoInput, options?: FlowOptions): Promise<ExpressiveFlowResult> {
    await this.take('flow', [a, b], options)
    if (options?.backward !== false) return this.result
    const {
      backwardFlow: _f,
      occlusion: _o,
      occlusionProbability: _p,
      confidence: _c,
      ...forward
    } = this.result
    return forward
  }

  async flowAll(a: PhotoInput, b: PhotoInput, options?: FlowOptions): Promise<ExpressiveGroupFlow> {
    await this.take('flowAll', [a, b], options)
    return { people: [this.result, this.result], onlyA: [this.result.a], onlyB: [] }
  }

  async flowRegistered(
    a: PhotoInput | RegisteredFace,
    b: PhotoInput | RegisteredFace,
    options?: FlowOptions,
  ): Promise<RegisteredFlowResult> {
    const pixelsOf = (input: PhotoInput | RegisteredFace) =>
      (typeof input === 'object' && 'registered' in input ? input.registered : input) as PhotoInput
    await this.take('flowRegistered', [pixelsOf(a), pixelsOf(b)], options)
    const { a: _a, b: _b, rigidPhoto: _rigid, ...registered } = this.result
    return registered
  }

  video(options?: VideoOptions<'both'>): VideoTracker {
    const fake = this
    this.videoOptions = options
    return {
      get memory() {
        return fake.memory
      },
      async start(reference) {
        await fake.take('start', [reference])
        return fake.result.a
      },
      async next(frame) {
        await fake.take('next', [frame])
        const flows = { frameToFrame: fake.result, frameToReference: fake.result }
        return { status: 'ok', cut: false, similarity: 0.9, ...flows }
      },
      async resume(memories, reference, previous) {
        fake.memories = memories
        await fake.take('resume', [reference, previous])
      },
    }
  }

  everybody(): FacesTracker {
    const fake = this
    return {
      async next(frame) {
        await fake.take('everybody', [frame])
        return { cut: false, faces: [{ track: 0, frame: fake.result.a, detectorScore: 0.95 }], ended: [] }
      },
    }
  }

  /** The jaw opens by a tenth with every picture. */
  async expression(photo: ExpressionInput, options?: ExpressionOptions): Promise<Expression> {
    await this.take('expression', [photo, ...(options?.neutral === undefined ? [] : [options.neutral])])
    const seen = this.calls.filter(({ method }) => method === 'expression').length
    const value = (name: string) => (name === 'jawOpen' ? seen / 10 : name === 'tongueOut' ? null : 0)
    return {
      coefficients: Object.fromEntries(
        COEFFICIENT_NAMES.map((name) => [name, { value: value(name), confidence: 0.9 }]),
      ) as unknown as Coefficients,
      unseen: ['tongueOut'],
      isRelative: options?.neutral !== undefined,
      gaze: { yaw: 1, pitch: -2, confidence: 0.5 },
      pose: {
        angles: { yaw: 10, pitch: -5, roll: 2.5 },
        place: [0.1, -0.2, null],
        metres: null,
        confidence: 1,
      },
      confidence: 1,
      face: this.result.a,
      warnings: [],
    }
  }

  async expressions(options: ExpressionOptions = {}): Promise<ExpressionStream> {
    const fake = this
    let memory: ExpressionMemory | null = null
    return {
      get memory() {
        return memory
      },
      async next(frame, time) {
        const place = { time, cut: false }
        try {
          const expression = await fake.expression(frame, options)
          const { face: _, ...read } = expression
          memory = { ...place, read, tracker: FAKE_FACE_MEMORY }
          return { status: 'ok', expression }
        } catch (error) {
          memory = { ...place, read: null, tracker: null }
          return { status: 'lost', expression: null, message: (error as Error).message }
        }
      },
      async resume(memories, faces) {
        fake.memories = memories.map(({ tracker }) => tracker)
        if (faces) await fake.take('resume', [...faces])
        memory = memories.at(-1) ?? null
        return memories.map(({ read }) => ({ status: read ? 'ok' : 'lost', expression: read }))
      },
    }
  }

  measure(): FaceMeasures {
    return { pose: { yaw: 1, pitch: 2, roll: 3 }, sharpness: 0.6, outside: 0 }
  }

  /** The prepared mesh, whose jaw moves it along all axes. */
  async rig(): Promise<FaceRig> {
    const { meshA, triangles } = this.result
    return {
      vertices: meshA,
      triangles,
      targets: COEFFICIENT_NAMES.filter((name) => name !== 'tongueOut').map((name) => ({
        name,
        offsets: new Float32Array(meshA.length).fill(name === 'jawOpen' ? 1 : 0),
      })),
    }
  }

  /** The photo itself in every frame, but for one pixel that counts what the driver did. */
  async animate(photo: PhotoInput, options?: AnimateOptions): Promise<Animation> {
    await this.take('animate', [photo, ...(options?.sources ?? [])])
    const fake = this
    const image = await decodePhoto(photo)
    let seen = 0
    const observed = (status: ObservedFrame['status']): ObservedFrame => ({
      status,
      motion: {
        rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
        shift: [seen / 100, 0, 0],
        scale: 1,
        expression: new Float32Array(468 * 3).fill(seen / 8),
        eyeOpenings: [0.3, 0.3],
        mouthOpening: 0,
        gazes: [
          { along: 0, across: 0 },
          { along: 0, across: 0 },
        ],
        light: new Float32Array(468 * 3),
        surround: [0, 0, 0, 0],
      },
      mouth: new Float32Array(48),
    })
    let last: ObservedFrame | undefined
    const animation: Animation = {
      face: fake.result.a,
      warnings: [],
      get isStarted() {
        return last !== undefined
      },
      get memory() {
        return fake.memory
      },
      turnBeyond: () => null,
      async start(reference) {
        await fake.take('start', [reference])
        last = observed('ok')
        return last
      },
      async observe(frame) {
        try {
          await fake.take('observe', [frame])
          seen++
          last = observed('ok')
        } catch (error) {
          if (!(error instanceof FaceError)) throw error
          last = { ...observed('held'), message: error.message }
        }
        return last
      },
      async draw({ status, motion }, frame) {
        if (status !== 'held') await fake.take('draw', [frame])
        const data = image.data.slice()
        data[0] = Math.round(8 * (motion.expression[0] ?? 0))
        return { image: { ...image, data }, status, beyond: null }
      },
      async drawOnDevice() {
        throw new TypeError('there is no device')
      },
      async next(frame) {
        return await animation.draw(await animation.observe(frame), frame)
      },
      async resume(memories, reference, previous, before) {
        fake.memories = memories
        await fake.take('resume', [reference, previous])
        const still = observed('ok')
        seen = Math.round(8 * (before.motion.expression[0] ?? 0))
        last = before
        return still
      },
      dispose: () => undefined,
    }
    return animation
  }

  dispose(): void {
    this.disposed = true
  }

  private async take(method: string, given: ExpressionInput[], options?: FlowOptions): Promise<void> {
    const inputs = given.map((input) =>
      typeof input === 'object' && 'registered' in input ? input.image : input,
    )
    this.calls.push({ method, inputs, options })
    this.memory = null
    for (const input of inputs) await decodePhoto(input)
    this.memory = FAKE_MEMORY
    await this.onCall(inputs)
  }
}

/** Runs command lines against a fake and collects what they print. */
export class FakeTerminal {
  out = ''
  err = ''
  opened: CreateOptions[] = []
  private readonly abort = new AbortController()

  constructor(private readonly faceFlow: FakeFaceFlow) {}

  readonly context: CliContext = {
    stdout: (text: string) => {
      this.out += text
    },
    stderr: (text: string) => {
      this.err += text
    },
    interactive: false,
    interrupted: this.abort.signal,
    watchesInterrupts: () => undefined,
    open: async (options: CreateOptions) => {
      this.opened.push(options)
      this.faceFlow.options = options
      return this.faceFlow
    },
    describeNetwork: async (options: CreateOptions) => this.faceFlow.network(options),
    isSoftware: async () => true,
    processors: 1,
    desk: null,
  }

  interrupt(): void {
    this.abort.abort()
  }
}
