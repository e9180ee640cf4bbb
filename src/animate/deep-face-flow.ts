import { DeepFaceFlow as FlowLevel } from '../face/deep-face-flow.js'
import { ownedPhoto } from '../face/owned-photo.js'
import type { CreateOptions, FaceFlow } from '../face/types.js'
import type { PhotoInput } from '../geometry/types.js'
import type { ShippedFiles } from '../platform/index.js'
import { checkedAnimateOptions } from './checked-options.js'
import type { AnimateOptions, Animation } from './types.js'

/** The face level with what is made of its flow: photos that move. */
export interface AnimatingFaceFlow extends FaceFlow {
  /**
   * Prepares a photo to be moved by a driver, a video of anybody's face.
   * @throws FaceError INVALID_INPUT (also for a profile), NO_FACE, INVALID_ARGUMENT; EngineError
   */
  animate(photo: PhotoInput, options?: AnimateOptions): Promise<Animation>
}

/** `DeepFaceFlow` of the face level, and photos that move. */
export class DeepFaceFlow extends FlowLevel implements AnimatingFaceFlow {
  /** Where the package's own weights are. */
  #source: ShippedFiles = {}

  /** For what is built upon this level. */
  protected get source(): ShippedFiles {
    return this.#source
  }

  static override async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    // biome-ignore lint/complexity/noThisInStatic: of the class that was asked, one above may have more to offer
    const opened = (await FlowLevel.create.call(this, options)) as DeepFaceFlow
    const { weightsUrl } = options
    opened.#source = { ...(weightsUrl !== undefined && { weightsUrl }) }
    return opened
  }

  async animate(photo: PhotoInput, options: AnimateOptions = {}): Promise<Animation> {
    const wanted = checkedAnimateOptions(options)
    const own = ownedPhoto(photo)
    const means = {
      faces: this,
      engine: this.engine,
      meshTriangles: this.files.triangles,
      weights: this.#source,
    }
    // Loaded when it is asked for: pages that compute flow do without it.
    const { prepareAnimation } = await import('./prepare-animation.js')
    return prepareAnimation(means, own, wanted)
  }
}
