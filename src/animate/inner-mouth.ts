import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import type { Rgba } from '../geometry/types.js'
import { type FaceTriangles, INNER_LIPS } from './face-parts.js'
import { MOUTH_PATCH, type MouthTexels, mouthTexels, texelPlace } from './mouth-patch.js'

/** Skin of the cheeks, by which light and colour are matched. */
const CHEEKS = [205, 425, 50, 280] as const
const LARGEST_GAIN = { low: 0.5, high: 2.2 } as const
/**
 * Of what the skins of two people differ by this power is light and the camera's exposure, the rest is skin: teeth have the one and not the other, and
 * those of a light driver would be as dark as lips in a dark face.
 */
const LIGHT_OF_SKIN = 0.5

/** What {@link InnerMouth.cut} needs to know of a face: the inner lips and points of the cheeks. @param landmarks 468x3 @returns 24x2 */
export function mouthPlaces(landmarks: ArrayLike<number>): Float32Array {
  return Float32Array.from(
    [...INNER_LIPS, ...CHEEKS].flatMap((v) => [at(landmarks, 3 * v), at(landmarks, 3 * v + 1)]),
  )
}

/** How far the mouth of {@link mouthPlaces} is open: between the middles of the inner lips, in widths between their corners. */
export function openingOf(places: ArrayLike<number>): number {
  const apart = (i: number, j: number) =>
    Math.hypot(at(places, 2 * j) - at(places, 2 * i), at(places, 2 * j + 1) - at(places, 2 * i + 1))
  const half = INNER_LIPS.length / 2
  return apart(half / 2, half + half / 2) / apart(0, half)
}

/** A face in a picture, as the light on its skin is told by. */
interface PicturedFace {
  readonly image: Rgba
  /** Of `mouthPlaces`, px of the image. */
  readonly places: ArrayLike<number>
}

/** A face whose open mouth can be shown. */
export interface MouthSource extends PicturedFace {
  /** Whether it is another picture of the photo's person, whose skin differs by light alone. */
  readonly isPhotosPerson: boolean
}

/** Cuts insides of mouths out of pictures; one for all frames of a photo. */
export class InnerMouth {
  readonly #texels: MouthTexels
  readonly #skin: readonly [number, number, number]

  /** @param photo whose light the patches get */
  constructor(faces: FaceTriangles, photo: PicturedFace) {
    this.#texels = mouthTexels(faces)
    this.#skin = skinOf(photo)
  }

  /**
   * The inside of a mouth in the photo's light.
   * @param strength in [0, 1]: how much it covers what the photo shows there
   * @returns MOUTH_PATCH px of colour in [0, 1] times alpha, and alpha
   */
  cut(source: MouthSource, strength: number): Float32Array {
    const patch = new Float32Array(MOUTH_PATCH.width * MOUTH_PATCH.height * 4)
    if (strength <= 0) return patch
    const { image, places, isPhotosPerson } = source
    const skin = skinOf(source)
    const gains = this.#skin.map((own, c) => {
      const ratio = own / Math.max(skin[c] as number, 1 / 255)
      const light = isPhotosPerson ? ratio : ratio ** LIGHT_OF_SKIN
      return Math.max(LARGEST_GAIN.low, Math.min(LARGEST_GAIN.high, light))
    })
    const { indices, alphas } = this.#texels
    const place: [number, number] = [0, 0]
    const colour: [number, number, number] = [0, 0, 0]
    for (let i = 0; i < indices.length; i++) {
      texelPlace(place, this.#texels, i, places)
      sampleInto(colour, image, ...place)
      for (let c = 0; c < 3; c++) colour[c] = (colour[c] as number) * (gains[c] as number)
      const grey = (colour[0] + colour[1] + colour[2]) / 3
      // Another person's skin tone is not that of teeth: what is bright keeps less of the gain's colour.
      const chroma = Math.max(0.25, Math.min(1, 1.25 - grey * 1.275))
      const cover = (alphas[i] as number) * strength
      const out = 4 * (indices[i] as number)
      for (let c = 0; c < 3; c++) {
        patch[out + c] = cover * Math.max(0, Math.min(1, grey + ((colour[c] as number) - grey) * chroma))
      }
      patch[out + 3] = cover
    }
    return patch
  }
}

/** In [0, 1]. */
function sampleInto(out: [number, number, number], image: Rgba, x: number, y: number): void {
  sampleColour(image, x - 0.5, y - 0.5, out)
  for (let c = 0; c < 3; c++) out[c] = (out[c] as number) / 255
}

function skinOf({ image, places }: PicturedFace): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0]
  const colour: [number, number, number] = [0, 0, 0]
  for (let v = INNER_LIPS.length; v < INNER_LIPS.length + CHEEKS.length; v++) {
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) {
        sampleInto(colour, image, at(places, 2 * v) + dx, at(places, 2 * v + 1) + dy)
        for (let c = 0; c < 3; c++) sum[c] = at(sum, c) + at(colour, c) / (9 * CHEEKS.length)
      }
    }
  }
  return sum
}
