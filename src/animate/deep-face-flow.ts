import { FaceError } from '../errors.js'
import { DeepFaceFlow as FlowLevel } from '../face/deep-face-flow.js'
import { chooseFace } from '../face/find/face-choice.js'
import type { CreateOptions, FaceFlow, FaceFrame, VideoOptions } from '../face/types.js'
import { applySimilarityToPoints } from '../geometry/similarity.js'
import type { PhotoInput } from '../geometry/types.js'
import { photoName, type ShippedFiles } from '../platform/index.js'
import { checkedAnimateOptions } from './checked-options.js'
import { faceTriangles } from './face-parts.js'
import { InnerMouth, mouthPlaces } from './inner-mouth.js'
import { personMatte } from './matte.js'
import type { OpenMouth } from './mouth-sources.js'
import { mouthOpening } from './openings.js'
import { PhotoAnimation } from './photo-animation.js'
import { checkPhoto } from './photo-checks.js'
import { photoHead } from './photo-head.js'
import { makeSheet } from './sheet.js'
import { SheetRenderer } from './sheet-renderer.js'
import type { AnimateOptions, Animation } from './types.js'
import { workingPhoto } from './working-photo.js'

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

  static override async create(options: CreateOptions = {}): Promise<DeepFaceFlow> {
    const opened = (await FlowLevel.create.call(DeepFaceFlow, options)) as DeepFaceFlow
    const { weightsUrl } = options
    opened.#source = { ...(weightsUrl !== undefined && { weightsUrl }) }
    return opened
  }

  async animate(photo: PhotoInput, options: AnimateOptions = {}): Promise<Animation> {
    const wanted = checkedAnimateOptions(options)
    const name = photoName(photo, 'the photo')
    const face = await this.#face(photo, name, wanted)
    const warnings = checkPhoto(face, name)
    const working = await workingPhoto(face.image, face.landmarks468)
    const { window, scale, image } = working
    if (scale < 1) {
      warnings.push(
        `${name}: the head is drawn at ${(100 * scale).toFixed(0)} % of its ${face.image.width}x${face.image.height} px and ` +
          'enlarged; scale the photo down for frames of one sharpness.',
      )
    }
    const toWorking = { a: scale, b: 0, tx: -scale * window.x, ty: -scale * window.y }
    const mesh = applySimilarityToPoints(toWorking, face.landmarks468, 3)
    const head = photoHead(mesh, applySimilarityToPoints(toWorking, face.irises, 2))
    const triangles = faceTriangles(this.triangles)
    const matte = await personMatte(this.engine, image, this.#source)
    const sheet = makeSheet(head, triangles, matte.person, image)
    const innerMouth = new InnerMouth(triangles, { image, places: mouthPlaces(mesh) })
    const sources: OpenMouth[] = []
    for (const [i, source] of wanted.sources.entries()) {
      const found = await this.#face(source, photoName(source, `source ${i + 1}`), {})
      const { landmarks468 } = found
      sources.push({
        image: found.image,
        places: mouthPlaces(landmarks468),
        opening: mouthOpening(landmarks468),
      })
    }
    const renderer = await SheetRenderer.create(this.engine, image, matte, sheet)
    const video: VideoOptions<'reference'> = {
      flows: 'reference',
      backward: false,
      ...(wanted.driverFace && { face: wanted.driverFace }),
      ...(wanted.signal && { signal: wanted.signal }),
    }
    const { strengths, motion } = wanted
    const tracker = this.video(video)
    return new PhotoAnimation({
      ...{ face, working, head, sheet, renderer, innerMouth, sources, tracker, strengths, motion, warnings },
    })
  }

  async #face(
    photo: PhotoInput,
    name: string,
    { face, signal }: Pick<AnimateOptions, 'face' | 'signal'>,
  ): Promise<FaceFrame> {
    const faces = await this.detect(photo, { ...(signal && { signal }) })
    const boxes = faces.map(({ box }) => box)
    const chosen = faces[chooseFace(boxes, face, (faces[0] as FaceFrame).image, name)]
    if (chosen === undefined) throw new FaceError('NO_FACE', `${name}: no face in it`, { photo: name })
    return chosen
  }
}
