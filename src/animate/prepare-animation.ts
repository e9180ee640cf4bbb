import { FaceError } from '../errors.js'
import type { DeepFaceFlow } from '../face/deep-face-flow.js'
import { detectNamed } from '../face/detect-named.js'
import { chooseFace, severalFaces } from '../face/find/face-choice.js'
import { colourDistance, coloursOf } from '../face/look/colours.js'
import type { FaceFrame, VideoOptions } from '../face/types.js'
import { applySimilarityToPoints } from '../geometry/similarity.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import { photoName, type ShippedFiles } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import type { CheckedAnimateOptions } from './checked-options.js'
import { faceTriangles } from './face-parts.js'
import { type FurtherSource, furtherSource } from './further-source.js'
import { type DrawableSource, FusedSources, MOST_DRAWN } from './fused-sources.js'
import { InnerMouth, mouthPlaces } from './inner-mouth.js'
import { LayerBlend } from './layer-blend.js'
import { personMatte } from './matte.js'
import type { OpenMouth } from './mouth-sources.js'
import { mouthOpening } from './openings.js'
import { OwnTeeth } from './own-teeth.js'
import { PhotoAnimation } from './photo-animation.js'
import { checkContrast, checkPhoto } from './photo-checks.js'
import { photoHead } from './photo-head.js'
import { makeSheet } from './sheet.js'
import { furtherLayersOf, layersOf, SheetRenderer } from './sheet-renderer.js'
import { withoutPower } from './tones.js'
import type { AnimateOptions, Animation } from './types.js'
import { wholeMatte } from './whole-matte.js'
import { workingPhoto } from './working-photo.js'

/** What an animation is prepared with. */
export interface AnimationMeans {
  readonly faces: Pick<DeepFaceFlow, 'detect' | 'flow' | 'video'>
  readonly engine: Engine
  /** Triangles of the mesh, Tx3. */
  readonly meshTriangles: Uint32Array
  /** Where the package's own weights are. */
  readonly weights: ShippedFiles
}

/**
 * Finds the photo's face, and makes what it is moved with: see `AnimatingFaceFlow.animate`.
 * @throws as that
 */
export async function prepareAnimation(
  { faces, engine, meshTriangles, weights }: AnimationMeans,
  photo: PhotoInput,
  wanted: CheckedAnimateOptions,
): Promise<Animation> {
  const name = photoName(photo, 'the photo')
  const { signal } = wanted
  const { face, warnings } = await find(faces, photo, name, wanted)
  signal?.throwIfAborted()
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
  const triangles = faceTriangles(meshTriangles)
  const whole = await personMatte(engine, image, weights)
  signal?.throwIfAborted()
  const matte = wholeMatte(whole, image, head.mesh)
  const sheet = makeSheet(head, triangles, matte.person, image)
  const innerMouth = new InnerMouth(triangles, { image, places: mouthPlaces(mesh) })
  const sourceMeans = { faces, engine, weights, triangles, signal }
  const main = { face, name, toWorking, image, matte, head }
  const mouths: OpenMouth[] = []
  const sources: FurtherSource[] = []
  const pictures = [{ name, image: face.image }]
  for (const [i, source] of wanted.sources.entries()) {
    const sourceName = photoName(source, `source ${i + 1}`)
    const found = await findAlike(faces, source, sourceName, face, signal)
    const { image, landmarks468 } = found.face
    assertNew(pictures, image, sourceName)
    pictures.push({ name: sourceName, image })
    warnings.push(...found.warnings)
    signal?.throwIfAborted()
    const further = await furtherSource(sourceMeans, main, found.face, sourceName)
    warnings.push(...checkContrast(further.power, sourceName, name))
    sources.push(further)
    mouths.push({
      image: withoutPower(image, further.power),
      places: mouthPlaces(landmarks468),
      isPhotosPerson: true,
      opening: mouthOpening(landmarks468),
    })
  }
  const layers = layersOf(image, matte)
  signal?.throwIfAborted()
  const renderer = await SheetRenderer.create(engine, image, layers, sheet)
  const drawable: DrawableSource[] = []
  for (const source of sources) {
    // Over the photo's background, whatever theirs is.
    const own = furtherLayersOf(source.image, source.matte, layers.backdrop)
    drawable.push({ ...source, renderer: await SheetRenderer.create(engine, image, own, source.sheet, true) })
  }
  const fused =
    drawable.length === 0
      ? null
      : new FusedSources(
          head,
          drawable,
          await LayerBlend.create(engine, image, Math.min(drawable.length, MOST_DRAWN)),
        )
  const upload = image === face.image ? null : await LayerBlend.create(engine, face.image, 0)
  const video: VideoOptions<'reference'> = {
    flows: 'reference',
    backward: false,
    // What it sees is smoothed with the frames after it too.
    smooth: false,
    ...(wanted.driverFace && { face: wanted.driverFace }),
    ...(signal && { signal }),
  }
  const { strengths, motion } = wanted
  const tracker = faces.video(video)
  const animation = new PhotoAnimation({
    face,
    working,
    head,
    sheet,
    renderer,
    innerMouth,
    ownTeeth: mouths.length === 0 && OwnTeeth.areShownBy(head) ? new OwnTeeth(triangles, head, image) : null,
    mouths,
    fused,
    upload,
    tracker,
    personOf: async (image) => (await personMatte(engine, image, weights)).alpha,
    strengths,
    motion,
    warnings,
  })
  // Nobody would dispose of what is not handed over.
  if (signal?.aborted) animation.dispose()
  signal?.throwIfAborted()
  return animation
}

/** A picture that is there twice would count twice, and be drawn twice. @throws FaceError INVALID_ARGUMENT */
function assertNew(
  pictures: readonly { readonly name: string; readonly image: Rgba }[],
  { width, height, data }: Rgba,
  name: string,
): void {
  const same = pictures.find(({ image }) => {
    return image.width === width && image.height === height && image.data.every((v, i) => v === data[i])
  })
  if (same === undefined) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${name}: the same picture as ${same.name}, and shows nothing that it does not; leave this source out`,
    { photo: name },
  )
}

/** A face that was taken, and what there is to say of it. */
interface Taken {
  readonly face: FaceFrame
  readonly warnings: string[]
}

async function find(
  faces: Pick<DeepFaceFlow, 'detect'>,
  photo: PhotoInput,
  name: string,
  { face, signal }: Pick<AnimateOptions, 'face' | 'signal'>,
): Promise<Taken> {
  const found = await faces.detect(photo, { ...(signal && { signal }) })
  const boxes = found.map(({ box }) => box)
  return taken(found, chooseFace(boxes, face, (found[0] as FaceFrame).image, name), name)
}

/** Of several faces the one whose colours are most like the photo's. */
async function findAlike(
  faces: Pick<DeepFaceFlow, 'detect'>,
  source: PhotoInput,
  name: string,
  main: FaceFrame,
  signal: AbortSignal | undefined,
): Promise<Taken> {
  const found = await detectNamed(faces, source, name, signal)
  const colours = ({ image, landmarks468 }: FaceFrame) => coloursOf(image, landmarks468)
  const wanted = colours(main)
  const unlike = found.map((face) => colourDistance(colours(face), wanted))
  return taken(found, unlike.indexOf(Math.min(...unlike)), name)
}

function taken(found: readonly FaceFrame[], index: number, name: string): Taken {
  const face = found[index]
  if (face === undefined) throw new FaceError('NO_FACE', `${name}: no face in it`, { photo: name })
  const boxes = found.map(({ box }) => box)
  return { face, warnings: [...severalFaces(boxes, index, name, true), ...checkPhoto(face, name)] }
}
