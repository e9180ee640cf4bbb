import { FaceError } from '../errors.js'
import type { DeepFaceFlow } from '../face/deep-face-flow.js'
import type { FaceFrame } from '../face/types.js'
import {
  applySimilarityToPoints,
  composeSimilarity,
  fitSimilarity,
  similarityScale,
} from '../geometry/similarity.js'
import { applySimilarity3, fitSimilarity3, invertSimilarity3 } from '../geometry/similarity3.js'
import type { Rgba, Similarity, Similarity3 } from '../geometry/types.js'
import type { ShippedFiles } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import { type AlignedSource, alignSource, isSameView, withinPicture } from './aligned-source.js'
import { EYES, type Eye, type FaceTriangles } from './face-parts.js'
import { type Gaze, gazesOf, irisBehind, irisesUnmoved } from './gaze.js'
import { STEADY } from './head-motion.js'
import { type PersonMatte, personMatte } from './matte.js'
import { type PhotoHead, photoHead } from './photo-head.js'
import { meanOf } from './points.js'
import { makeSheet, type Sheet } from './sheet.js'
import { type SourcePlaces, sourcePlaces } from './source-places.js'
import type { ShownFace } from './source-weights.js'
import { levelsWithout } from './tones.js'
import { wholeMatte } from './whole-matte.js'

/** A further photo of the person, laid over the photo: all in px of the working photo. */
export interface FurtherSource {
  readonly head: PhotoHead
  readonly sheet: Sheet
  readonly image: Rgba
  readonly matte: PersonMatte
  /** Whether it shows the photo's background too, at the same place. */
  readonly isSameView: boolean
  /** From its head to the photo's. */
  readonly toHead: Similarity3
  readonly shown: ShownFace
  /** Measured in the photo's eyes, as those of a driver are in its reference's. */
  readonly gazes: readonly [Gaze, Gaze]
  /** Its contrast against the photo's, see `powerOf`; taken out of `image`. */
  readonly power: number
  /** See `SkinLight`. */
  readonly light: Float32Array
  /** 468, in [0, 1]. */
  readonly visible: Float32Array
  /** By corner of the sheet, in [0, 1]: 0 where its picture ends, unless it shows the photo's view. */
  readonly within: Float32Array
  /** Its pixels per px of the working photo; at most 1. */
  readonly detail: number
}

/** The photo that is moved. */
export interface MainPhoto {
  readonly face: FaceFrame
  readonly name: string
  /** Px of the photo -> px of the working photo. */
  readonly toWorking: Similarity
  readonly image: Rgba
  readonly matte: PersonMatte
  readonly head: PhotoHead
}

/** What further sources are prepared with. */
export interface SourceMeans {
  readonly faces: Pick<DeepFaceFlow, 'flow'>
  readonly engine: Engine
  /** Where the package's own weights are. */
  readonly weights: ShippedFiles
  readonly triangles: FaceTriangles
  readonly signal: AbortSignal | undefined
}

/**
 * @param source the further photo's face
 * @throws FaceError INVALID_INPUT if the further photo shows somebody else; EngineError
 */
export async function furtherSource(
  { faces, engine, weights, triangles, signal }: SourceMeans,
  main: MainPhoto,
  source: FaceFrame,
  name: string,
): Promise<FurtherSource> {
  const result = await faces.flow(main.face.image, source.image, {
    face: { at: middleOf(main.face) },
    faceB: { at: middleOf(source) },
    ...(signal && { signal }),
  })
  const looks = result.checks.find(({ code }) => code === 'IDENTITY')
  if (looks?.exceeded) {
    throw new FaceError(
      'INVALID_INPUT',
      `${name}: its face looks unlike that of ${main.name} (${looks.value.toFixed(2)}, of one person below ${looks.limit}): another person, or ` +
        'something covers one of them; give photos of the same person in much the same light',
      { photo: name, unlikeness: looks.value, limit: looks.limit },
    )
  }
  const places = sourcePlaces(result)
  const still = await stillSource(engine, weights, main, source.image, places)
  const { toWorking, aligned, isStill, ...laid } =
    still ?? (await movedSource(engine, weights, main, source.image, places))
  const landmarks = applySimilarityToPoints(toWorking, places.landmarks, 3)
  const head = photoHead(landmarks, applySimilarityToPoints(toWorking, places.irises, 2))
  const matte = wholeMatte(laid.matte, aligned.image, head.mesh)
  const toHead = fitSimilarity3(head.mesh, main.head.mesh, main.head.weights)
  const sheet = makeSheet(head, triangles, matte.person, aligned.image)
  return {
    head,
    sheet,
    image: aligned.image,
    matte,
    isSameView: isStill,
    toHead,
    shown: { mesh: movedPoints(toHead, head.mesh), rotation: invertSimilarity3(toHead).rotation },
    gazes: gazesIn(main.head, head.irises, toHead),
    power: places.power,
    light: places.light.light,
    visible: places.visible,
    within: isStill
      ? new Float32Array(sheet.shares.length).fill(1)
      : withinPicture(sheet.places, source.image, toWorking, head.unit),
    detail: Math.min(1, 1 / similarityScale(toWorking)),
  }
}

/** Gazes of a source in the eyes of the photo. */
function gazesIn(photo: PhotoHead, irises: ArrayLike<number>, toHead: Similarity3): [Gaze, Gaze] {
  const depthOf = (eye: Eye): number => meanOf(photo.landmarks, eye.rim)[2] + irisBehind(photo.landmarks, eye)
  const depths = [depthOf(EYES[0]), depthOf(EYES[1])] as const
  const own = irisesUnmoved(photo.irises, depths, irises, invertSimilarity3(toHead))
  return gazesOf(photo.landmarks, own)
}

interface Laid {
  readonly toWorking: Similarity
  readonly aligned: AlignedSource
  readonly matte: PersonMatte
  readonly isStill: boolean
}

/** The source as it is, where the camera stood still between the two. */
async function stillSource(
  engine: Engine,
  weights: ShippedFiles,
  { face, toWorking, image, matte }: MainPhoto,
  source: Rgba,
  places: SourcePlaces,
): Promise<Laid | null> {
  if (source.width !== face.image.width || source.height !== face.image.height) return null
  const aligned = await alignSource(source, toWorking, levelsInPhoto(places), image)
  const own = await personMatte(engine, aligned.image, weights)
  if (!isSameView(image, aligned.image, [matte.person, own.person])) return null
  return { toWorking, aligned, matte: own, isStill: true }
}

/** The source with its face where the photo's is. */
async function movedSource(
  engine: Engine,
  weights: ShippedFiles,
  { face, toWorking, image }: MainPhoto,
  source: Rgba,
  places: SourcePlaces,
): Promise<Laid> {
  const flat = (points: ArrayLike<number>) =>
    STEADY.flatMap((v) => [points[3 * v] as number, points[3 * v + 1] as number])
  const fit = fitSimilarity(flat(places.landmarks), flat(face.landmarks468))
  const move = composeSimilarity(toWorking, fit)
  const aligned = await alignSource(source, move, levelsInPhoto(places), image)
  const own = await personMatte(engine, aligned.image, weights)
  // What the source does not show is nobody.
  const matte = {
    alpha: own.alpha.map((value, i) => (aligned.shown[i] === 0 ? 0 : value)),
    person: own.person.map((value, i) => (aligned.shown[i] === 0 ? 0 : value)),
  }
  return { toWorking: move, aligned, matte, isStill: false }
}

function levelsInPhoto({ power, light }: SourcePlaces): Float64Array[] {
  const levels = levelsWithout(power)
  return light.exposure.map((gain) => levels.map((level) => level * Math.exp(-gain)))
}

export function movedPoints(by: Similarity3, points: ArrayLike<number>): Float64Array {
  const out = new Float64Array(points.length)
  for (let k = 0; k < points.length; k += 3) {
    out.set(applySimilarity3(by, points[k] as number, points[k + 1] as number, points[k + 2] as number), k)
  }
  return out
}

function middleOf({ box }: FaceFrame): [number, number] {
  return [box.x + box.width / 2, box.y + box.height / 2]
}
