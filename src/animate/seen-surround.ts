import { at } from '../geometry/array.js'
import type { Matrix3 } from '../geometry/rotation.js'
import type { Rgba } from '../geometry/types.js'
import { cropAndResize } from '../platform/index.js'
import { comingForward, deepened, gentleRelief, headFrame, headShare, heightInFace } from './head-depth.js'
import type { HeadMotion, MotionReference } from './head-motion.js'
import { expressivePoints, headPoints, type PackedPoints, packed } from './head-points.js'
import { type HeadView, headView } from './head-view.js'
import { placesOnMesh } from './mesh-places.js'
import type { Vector } from './points.js'
import { STILL_SURROUND, type Surround } from './surround.js'
import { fitSurround } from './surround-fit.js'

/**
 * How the driver's hair and ears move in the plane beyond what the photo's would: both are predicted from the mesh alike, and what the
 * driver's pictures say beside the prediction is brought to the four numbers of a similarity.
 */

/** Above that, heights of the face from its middle, is nothing but head. */
const LOWEST = -0.35
/** Least grey levels a px of an edge, and most of such places that are followed. */
const EDGE = 2
const MOST_PLACES = 1500
/** Places are looked for so far below where they are predicted, distances of the outer eye corners: several times as far as they are moved. */
const SEARCH = 0.25

/** What is followed of a driver's reference: places of its hair and ears, px of the picture, and grey levels there. */
export interface SurroundReference {
  readonly points: PackedPoints
  readonly levels: Float64Array
  /** Of the middle of the face, in the depth of the points. */
  readonly depth: number
}

/**
 * @param image the driver's reference
 * @param triangles of the mesh, Tx3
 * @param personOf where the person is in a picture, h*w in [0, 1]
 */
export async function surroundReference(
  { face, middle, unit }: MotionReference,
  image: Rgba,
  triangles: ArrayLike<number>,
  personOf: (image: Rgba) => Promise<ArrayLike<number>>,
): Promise<SurroundReference> {
  const view = headView(image, middle, unit)
  const depth = at(deepened(middle), 2)
  if (view === null) return { points: packed([]), levels: new Float64Array(0), depth }
  const { left, top, width, height, block } = view
  const window = { x: left, y: top, width: block * width, height: block * height }
  const person = await personOf(await cropAndResize(image, window, width, height))
  return { ...followedPlaces(face.mesh, triangles, view, person), depth }
}

function followedPlaces(
  seen: ArrayLike<number>,
  triangles: ArrayLike<number>,
  view: HeadView,
  person: ArrayLike<number>,
): Pick<SurroundReference, 'points' | 'levels'> {
  const { grey, width, height, left, top, block } = view
  const mesh = deepened(seen)
  const frame = headFrame(mesh)
  const pointOf = headPoints([mesh, gentleRelief(mesh)], frame)
  const inView = mesh.map((value, k) => {
    if (k % 3 === 2) return value
    return (value - (k % 3 === 0 ? left : top)) / block - 0.5
  })
  const onMesh = placesOnMesh(inView, triangles, width, height, 1)
  const edges: (readonly [index: number, x: number, y: number])[] = []
  for (let row = 1; row + 1 < height; row++) {
    for (let column = 1; column + 1 < width; column++) {
      const i = row * width + column
      const across = (at(grey, i + 1) - at(grey, i - 1)) / 2
      const down = (at(grey, i + width) - at(grey, i - width)) / 2
      if (onMesh[i] !== undefined || at(person, i) < 0.5 || Math.hypot(across, down) < EDGE) continue
      const [x, y] = [left + block * (column + 0.5), top + block * (row + 0.5)]
      const isHead =
        heightInFace(frame, x, y) > LOWEST && headShare(frame, x, y, Number.POSITIVE_INFINITY) > 0.9
      if (isHead) edges.push([i, x, y])
    }
  }
  const step = Math.max(1, edges.length / MOST_PLACES)
  const followed = Array.from(
    { length: Math.min(MOST_PLACES, edges.length) },
    (_, k) => edges[Math.floor(k * step)] as (typeof edges)[0],
  )
  return {
    points: packed(followed.map(([, x, y]) => pointOf(undefined, x, y))),
    levels: Float64Array.from(followed, ([i]) => at(grey, i)),
  }
}

/**
 * @param motion of the head from the reference to the picture
 * @param image the picture
 */
export function seenSurround(
  { points, levels, depth }: SurroundReference,
  { unit, middle }: MotionReference,
  { rotation, scale, shift, expression }: HeadMotion,
  image: Rgba,
): Surround {
  const moved = middle.map((value, axis) => value + unit * at(shift, axis)) as Vector
  const byPixel = new Float64Array(expression)
  for (let k = 0; k < byPixel.length; k++) byPixel[k] = unit * (byPixel[k] as number)
  const places = expressivePoints(points, byPixel, comingForward(rotation))
  const [a, b, c, d, e, f] = rotation.map((value) => scale * value) as Matrix3
  let lowest = Number.NEGATIVE_INFINITY
  for (let k = 0; k < places.length; k += 3) {
    const [x, y, z] = [
      (places[k] as number) - middle[0],
      (places[k + 1] as number) - middle[1],
      (places[k + 2] as number) - depth,
    ]
    places[k] = a * x + b * y + c * z + moved[0]
    const down = d * x + e * y + f * z + moved[1]
    places[k + 1] = down
    if (down > lowest) lowest = down
  }
  const view = headView(image, moved, scale * unit, lowest + SEARCH * scale * unit)
  if (view === null) return STILL_SURROUND
  return fitSurround(view, places, levels, moved, scale * unit)
}
