import { FaceError } from '../errors.js'
import type { DeepFaceFlow } from '../face/deep-face-flow.js'
import { detectNamed } from '../face/detect-named.js'
import { chooseFace } from '../face/find/face-choice.js'
import type { NetworkFiles } from '../face/network-files.js'
import type { SeenFrame } from '../face/seen-frames.js'
import type { FaceChoice, FaceFrame } from '../face/types.js'
import type { PhotoInput } from '../geometry/types.js'
import { photoName, type ShippedFiles } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import { isFound } from './expression-input.js'
import { FaceReader } from './face-reader.js'
import { FrameExpressions } from './frame-expressions.js'
import { type ReadingMeans, readExpression, readPersonAtRest } from './read-expression.js'
import type {
  Expression,
  ExpressionInput,
  ExpressionOptions,
  ExpressionStream,
  PairExpression,
} from './types.js'

type Faces = Pick<DeepFaceFlow, 'detect' | 'video'>

/** Faces of a pair, and what its mesh network saw. */
export interface ReadPair {
  readonly a: FaceFrame
  readonly b: FaceFrame
  readonly seen: readonly SeenFrame[]
}

/** What reads expressions: loaded when the first one is asked for. */
export class ExpressionMeans {
  private constructor(
    private readonly faces: Faces,
    private readonly reader: FaceReader,
  ) {}

  /** @throws EngineError INVALID_WEIGHTS and what `Engine.compile` throws */
  static async create(
    faces: Faces,
    engine: Engine,
    files: NetworkFiles,
    source: ShippedFiles,
  ): Promise<ExpressionMeans> {
    return new ExpressionMeans(faces, await FaceReader.create(engine, files, source))
  }

  /** See `ExpressiveFaceFlow`; options are checked. */
  async expression(input: ExpressionInput, options: ExpressionOptions): Promise<Expression> {
    const name = isFound(input) ? 'the face' : photoName(input, 'the photo')
    if (isFound(input)) assertNoChoice(options)
    const face = await this.#find(input, name, options.face, options.signal)
    return await readExpression(await this.#means(options), face, name)
  }

  /** Of faces that were found, all told against the same one; options are checked. */
  async pair({ a, b, seen }: ReadPair, options: ExpressionOptions): Promise<PairExpression> {
    assertNoChoice(options)
    const means = await this.#means(options, seen)
    const read = (face: FaceFrame, name: string) =>
      readExpression(means, face, name, { seen: seenOf(face, seen) })
    return { a: await read(a, 'face A'), b: await read(b, 'face B') }
  }

  /** See `ExpressiveFaceFlow`; options are checked. */
  async stream(options: ExpressionOptions & { readonly smoothing: boolean }): Promise<ExpressionStream> {
    const { face, signal, smoothing } = options
    await this.reader.prepare()
    const tracker = this.faces.video({ flows: 'none', ...(face && { face }), ...(signal && { signal }) })
    return new FrameExpressions(tracker, await this.#means(options), smoothing)
  }

  dispose(): void {
    this.reader.dispose()
  }

  async #means(
    { neutral, fieldOfView, signal }: ExpressionOptions,
    seen: readonly SeenFrame[] = [],
  ): Promise<ReadingMeans> {
    const { reader } = this
    const means = { reader, ...(fieldOfView !== undefined && { fieldOfView }) }
    if (neutral === undefined) return means
    const name = isFound(neutral) ? 'the neutral face' : photoName(neutral, 'the neutral photo')
    const face = await this.#find(neutral, name, undefined, signal)
    return { ...means, rest: await readPersonAtRest(reader, face, name, seenOf(face, seen)) }
  }

  async #find(
    photo: PhotoInput | FaceFrame,
    name: string,
    choice: FaceChoice | undefined,
    signal: AbortSignal | undefined,
  ): Promise<FaceFrame> {
    if (isFound(photo)) return photo
    const found = await detectNamed(this.faces, photo, name, signal)
    const boxes = found.map(({ box }) => box)
    const chosen = found[chooseFace(boxes, choice, (found[0] as FaceFrame).image, name)]
    if (chosen === undefined) throw new FaceError('NO_FACE', `${name}: no face in it`, { photo: name })
    return chosen
  }
}

/** @throws FaceError INVALID_ARGUMENT */
function assertNoChoice({ face }: ExpressionOptions): void {
  if (face === undefined) return
  throw new FaceError('INVALID_ARGUMENT', 'face: is for photos; a face that was found is the one', {
    option: 'face',
  })
}

/** By the pixels: the caller may have drawn into a result's frame. */
function seenOf({ registered }: FaceFrame, frames: readonly SeenFrame[]): SeenFrame | undefined {
  return frames.find(({ frame }) => frame.data.every((value, i) => value === registered.data[i]))
}
