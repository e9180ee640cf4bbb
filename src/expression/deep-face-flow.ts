import { DeepFaceFlow as AnimateLevel, type AnimatingFaceFlow } from '../animate/deep-face-flow.js'
import { told } from '../face/disposed.js'
import { seenFrames } from '../face/seen-frames.js'
import type { CreateOptions, FlowOptions, FlowResult } from '../face/types.js'
import type { PhotoInput } from '../geometry/types.js'
import { assertExpression } from './checked-expression.js'
import { checkedExpressionOptions, checkedStreamOptions } from './checked-options.js'
import { ownedFace, ownedInput } from './expression-input.js'
import type { ExpressionMeans } from './expression-means.js'
import type { FaceRig } from './face-rig.js'
import type {
  Expression,
  ExpressionInput,
  ExpressionOptions,
  ExpressionStream,
  ExpressionStreamOptions,
  ExpressiveFlowResult,
  ExpressiveGroupFlow,
} from './types.js'

/** What is made of photos and of their flow: also what a face does, in numbers. */
export interface ExpressiveFaceFlow extends AnimatingFaceFlow {
  flow(a: PhotoInput, b: PhotoInput, options?: FlowOptions): Promise<ExpressiveFlowResult>
  flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options?: Pick<FlowOptions, 'backward' | 'signal'>,
  ): Promise<ExpressiveGroupFlow>
  /**
   * What a face does: the 52 coefficients by ARKit's names, gaze and head pose.
   * @throws FaceError INVALID_INPUT (also for a profile), NO_FACE, INVALID_ARGUMENT; EngineError
   */
  expression(photo: ExpressionInput, options?: ExpressionOptions): Promise<Expression>
  /**
   * The same, frame after frame of a video or camera.
   * @throws FaceError INVALID_INPUT, NO_FACE for the neutral photo; INVALID_ARGUMENT; EngineError
   */
  expressions(options?: ExpressionStreamOptions): Promise<ExpressionStream>
  /**
   * The face of an expression as a mesh of its own with a named morph target for each coefficient, upright and life-size where a template
   * pixel is a millimetre.
   * @throws FaceError INVALID_ARGUMENT, INVALID_INPUT for an expression or a face with numbers that are missing or not finite; EngineError INVALID_WEIGHTS
   */
  rig(expression: Expression): Promise<FaceRig>
}

/** `DeepFaceFlow` of the levels below, and the expressions of faces. */
export class DeepFaceFlow extends AnimateLevel implements ExpressiveFaceFlow {
  #means: Promise<ExpressionMeans> | undefined

  static override async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    return (await AnimateLevel.create.call(DeepFaceFlow, options)) as DeepFaceFlow
  }

  override async flow(
    a: PhotoInput,
    b: PhotoInput,
    options: FlowOptions = {},
  ): Promise<ExpressiveFlowResult> {
    return this.#expressive(await super.flow(a, b, options))
  }

  override async flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options: Pick<FlowOptions, 'backward' | 'signal'> = {},
  ): Promise<ExpressiveGroupFlow> {
    const { people, ...rest } = await super.flowAll(a, b, options)
    return { people: people.map((result) => this.#expressive(result)), ...rest }
  }

  async expression(photo: ExpressionInput, options: ExpressionOptions = {}): Promise<Expression> {
    const wanted = checkedExpressionOptions(options)
    const own = ownedInput(photo, 'the face')
    const means = await this.#expressionMeans()
    return await means.expression(own, wanted)
  }

  async expressions(options: ExpressionStreamOptions = {}): Promise<ExpressionStream> {
    const wanted = checkedStreamOptions(options)
    const means = await this.#expressionMeans()
    return await means.stream(wanted)
  }

  async rig(expression: Expression): Promise<FaceRig> {
    assertExpression(expression, 'rig')
    const face = ownedFace(expression.face, "the expression's face")
    const { faceRig, readModelShapes, uprightMesh } = await import('./face-rig.js')
    const shapes = await readModelShapes(this.source)
    return faceRig(
      shapes,
      uprightMesh({ face, pose: expression.pose }),
      this.files.triangles,
      expression.coefficients,
    )
  }

  #expressive(result: FlowResult): ExpressiveFlowResult {
    const expression: ExpressiveFlowResult['expression'] = async (options = {}) => {
      const wanted = checkedExpressionOptions(options)
      const [a, b] = [ownedFace(result.a, 'face A'), ownedFace(result.b, 'face B')]
      const means = await this.#expressionMeans()
      return await means.pair({ a, b, seen: seenFrames(result) }, wanted)
    }
    // Results are sent to workers and stored: what cannot be cloned is not counted among their fields.
    return Object.defineProperty(result, 'expression', { value: expression }) as ExpressiveFlowResult
  }

  override dispose(): void {
    const means = this.#means
    this.#means = undefined
    // What could not be made holds nothing.
    means?.then((made) => made.dispose()).catch(() => {})
    super.dispose()
  }

  /** Made when it is asked for: who computes flow alone does without it. */
  async #expressionMeans(): Promise<ExpressionMeans> {
    this.assertOpen()
    this.#means ??= this.#make()
    const made = this.#means
    made.catch(() => {
      if (this.#means === made) this.#means = undefined
    })
    return await made.catch((error: unknown) => {
      throw told(error)
    })
  }

  async #make(): Promise<ExpressionMeans> {
    const { ExpressionMeans } = await import('./expression-means.js')
    return await ExpressionMeans.create(this, this.engine, this.files, this.source)
  }
}
