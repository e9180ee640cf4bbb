import { at } from '../geometry/array.js'
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
/** The N texels of the patch that show a mouth, one after the other. */
export interface MouthTexels {
  /** N. */
  readonly indices: Uint16Array
  /** Nx3: places of `INNER_LIPS`, and their weights. */
  readonly corners: Uint8Array
  readonly weights: Float64Array
  /** N. */
  readonly alphas: Float64Array
}

export function mouthTexels({ mouth }: FaceTriangles): MouthTexels {
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

/** Where a texel lies. @param places of the inner lips, 2 a vertex @param out gets x and y */
export function texelPlace(
  out: [number, number],
  { corners, weights }: MouthTexels,
  texel: number,
  places: ArrayLike<number>,
): void {
  let [x, y] = [0, 0]
  for (let k = 3 * texel; k < 3 * texel + 3; k++) {
    const v = 2 * (corners[k] as number)
    x += (weights[k] as number) * (places[v] as number)
    y += (weights[k] as number) * (places[v + 1] as number)
  }
  out[0] = x
  out[1] = y
}
