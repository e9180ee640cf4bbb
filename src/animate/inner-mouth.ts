import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import type { Rgba } from '../geometry/types.js'
import { type FaceTriangles, INNER_LIPS } from './face-parts.js'

/** The inside of a mouth as a picture of fixed size, the inner lips laid out as an ellipse. */
export const MOUTH_PATCH = { width: 96, height: 64 } as const

const MARGIN = 3
const ACROSS = MOUTH_PATCH.width / 2 - MARGIN
const ALONG = MOUTH_PATCH.height / 2 - MARGIN

/** Where each of the inner lips' vertices lies in the patch, px: corner to corner above, back below. */
export const MOUTH_PATCH_PLACES: readonly (readonly [number, number])[] = INNER_LIPS.map((_, i) => {
  const angle = Math.PI * (1 - i / (INNER_LIPS.length / 2))
  return [MOUTH_PATCH.width / 2 + ACROSS * Math.cos(angle), MOUTH_PATCH.height / 2 - ALONG * Math.sin(angle)]
})

/** Share of the patch's radius over which it fades to its rim: lip that is drawn long there makes the opening look smaller than it is. */
const FADE = 0.1
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

/** The N texels of the patch that show a mouth, one after the other. */
interface Texels {
  /** N. */
  readonly indices: Uint16Array
  /** Nx3: places of `INNER_LIPS`, and their weights. */
  readonly corners: Uint8Array
  readonly weights: Float64Array
  /** N. */
  readonly alphas: Float64Array
}

/** Cuts insides of mouths out of pictures; one for all frames of a photo. */
export class InnerMouth {
  readonly #texels: Texels
  readonly #skin: readonly [number, number, number]

  /** @param photo whose light the patches get */
  constructor(faces: FaceTriangles, photo: PicturedFace) {
    this.#texels = texelsOf(faces)
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
    const { indices, corners, weights, alphas } = this.#texels
    const colour: [number, number, number] = [0, 0, 0]
    for (let i = 0; i < indices.length; i++) {
      let [x, y] = [0, 0]
      for (let k = 3 * i; k < 3 * i + 3; k++) {
        const v = 2 * (corners[k] as number)
        const weight = weights[k] as number
        x += weight * (places[v] as number)
        y += weight * (places[v + 1] as number)
      }
      sampleInto(colour, image, x, y)
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

function texelsOf({ mouth }: FaceTriangles): Texels {
  const { width, height } = MOUTH_PATCH
  const indices: number[] = []
  const allCorners: number[] = []
  const allWeights: number[] = []
  const alphas: number[] = []
  const place = (corner: number) => MOUTH_PATCH_PLACES[corner] as Place
  for (let index = 0; index < width * height; index++) {
    const [x, y] = [(index % width) + 0.5, Math.floor(index / width) + 0.5]
    const radius = Math.hypot((x - width / 2) / ACROSS, (y - height / 2) / ALONG)
    if (radius >= 1) continue
    const share = Math.min(1, (1 - radius) / FADE)
    const alpha = share * share * (3 - 2 * share)
    for (let i = 0; i < mouth.length; i += 3) {
      const corners = [0, 1, 2].map((k) => INNER_LIPS.indexOf(at(mouth, i + k))) as [number, number, number]
      const weights = barycentric(corners.map(place) as [Place, Place, Place], x, y)
      if (weights.some((weight) => weight < -1e-9)) continue
      indices.push(index)
      allCorners.push(...corners)
      allWeights.push(...weights)
      alphas.push(alpha)
      break
    }
  }
  return {
    indices: Uint16Array.from(indices),
    corners: Uint8Array.from(allCorners),
    weights: Float64Array.from(allWeights),
    alphas: Float64Array.from(alphas),
  }
}

type Place = readonly [number, number]

function barycentric(
  [a, b, c]: readonly [Place, Place, Place],
  x: number,
  y: number,
): [number, number, number] {
  const [bx, by, cx, cy] = [b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]]
  const area = bx * cy - by * cx
  const second = ((x - a[0]) * cy - (y - a[1]) * cx) / area
  const third = ((y - a[1]) * bx - (x - a[0]) * by) / area
  return [1 - second - third, second, third]
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
