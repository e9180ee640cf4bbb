import type { FaceFrame, FlowResult } from '../face/types.js'
import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import { composeSimilarity, invertSimilarity } from '../geometry/similarity.js'
import type { Rgba } from '../geometry/types.js'
import { EYES, type Eye } from './face-parts.js'
import { irisRadius } from './gaze.js'

/** Places along the radius of an iris, and how far beyond its edge, radii, they go: the white about it tells the most. */
const ALONG_RADIUS = 5
const REACH = 1.35
/** Lids are kept away from by this, widths of the eye: their edges do not go with the iris. */
const FROM_LIDS = 0.03
/** With fewer places between the lids of both pictures an iris is not looked for. */
const LEAST_PLACES = 24
const STEPS = 8
/** Grey levels beyond which a difference is something else: a light in the eye, a lash. */
const ROBUST = 12
/** Squared grey levels a radius, a place: what no edge tells stays. */
const DAMPING = 40
/** Gains that light and exposure can be. */
const GAINS = { least: 0.6, most: 1.6 } as const
/** Farther than this from where it is looked for, radii, it is something else. */
const FARTHEST = 0.5

type Place = readonly [number, number]

interface Moved {
  /** 468x3 and 10x2, px of B. */
  readonly landmarks: ArrayLike<number>
  readonly irises: Float32Array
}

/**
 * Irises of B where they look as in A (Lucas and Kanade 1981, a shift along the corners' line, with robust weights, gain and offset). A flow is smooth, and lids and
 * corners that stay hold it back. Across that line lids hide what would tell, and their shade goes with them: there the flow counts.
 * @param moved where they are by flow and landmarks, and the lids
 * @returns 10x2, px of B; those that cannot be told stay
 */
export function matchedIrises({ a, b }: Pick<FlowResult, 'a' | 'b'>, moved: Moved): Float32Array {
  const irises = moved.irises.slice()
  for (const eye of EYES) {
    const [dx, dy] = shiftOf(eye, a, b, moved)
    for (let k = 2 * eye.iris; k < 2 * (eye.iris + 5); k += 2) {
      irises[k] = at(irises, k) + dx
      irises[k + 1] = at(irises, k + 1) + dy
    }
  }
  return irises
}

const NO_SHIFT: Place = [0, 0]

function shiftOf(eye: Eye, a: FaceFrame, b: FaceFrame, moved: Moved): Place {
  const first = 2 * eye.iris
  const [ax, ay] = [at(a.irises, first), at(a.irises, first + 1)]
  const radius = irisRadius(a.irises, eye)
  if (!(radius > 0)) return NO_SHIFT
  const { a: scale, b: roll } = composeSimilarity(invertSimilarity(b.toTemplate), a.toTemplate)
  const between = [lidsOf(a.landmarks468, eye), lidsOf(moved.landmarks, eye)] as const
  const places: (readonly [x: number, y: number, level: number])[] = []
  const step = radius / ALONG_RADIUS
  for (let v = -REACH * radius; v <= REACH * radius; v += step) {
    for (let u = -REACH * radius; u <= REACH * radius; u += step) {
      if (Math.hypot(u, v) > REACH * radius || !between[0](ax + u, ay + v)) continue
      const x = at(moved.irises, first) + scale * u - roll * v
      const y = at(moved.irises, first + 1) + roll * u + scale * v
      if (between[1](x, y)) places.push([x, y, greyAt(a.image, ax + u, ay + v)])
    }
  }
  if (places.length < LEAST_PLACES) return NO_SHIFT
  const [outer, inner] = eye.corners.map((v) => placeOf(moved.landmarks, v)) as [Place, Place]
  const width = Math.hypot(inner[0] - outer[0], inner[1] - outer[1])
  const along: Place = [(inner[0] - outer[0]) / width, (inner[1] - outer[1]) / width]
  const shift = fitShift(b.image, places, along, Math.hypot(scale, roll) * radius)
  return [shift * along[0], shift * along[1]]
}

/** @returns px along a direction of length 1 */
function fitShift(
  image: Rgba,
  places: readonly (readonly [x: number, y: number, level: number])[],
  [ux, uy]: Place,
  radius: number,
): number {
  let [shift, gain, offset] = [0, 1, 0]
  for (let step = 0; step <= STEPS; step++) {
    let [slopes, misses] = [0, 0]
    let [count, sum, squares, nows, products] = [0, 0, 0, 0, 0]
    for (const [px, py, level] of places) {
      const [x, y] = [px + shift * ux, py + shift * uy]
      const now = greyAt(image, x, y)
      const slope = (greyAt(image, x + ux / 2, y + uy / 2) - greyAt(image, x - ux / 2, y - uy / 2)) * radius
      const miss = gain * level + offset - now
      // The first step finds gain and offset, with all places alike.
      const weight = step === 0 ? 1 : 1 / (1 + (miss / ROBUST) ** 2)
      slopes += weight * slope * slope
      misses += weight * slope * miss
      count += weight
      sum += weight * level
      squares += weight * level * level
      nows += weight * now
      products += weight * level * now
    }
    if (step > 0) shift += (radius * misses) / (slopes + DAMPING * count)
    const spread = count * squares - sum * sum
    if (!(Math.abs(shift) <= FARTHEST * radius && spread > 0)) return 0
    gain = Math.max(GAINS.least, Math.min(GAINS.most, (count * products - sum * nows) / spread))
    offset = (nows - gain * sum) / count
  }
  return shift
}

/** Whether a place lies between the lids, and not at them. */
function lidsOf(mesh: ArrayLike<number>, { rim, corners }: Eye): (x: number, y: number) => boolean {
  const outline = rim.map((v) => placeOf(mesh, v))
  const [outer, inner] = corners.map((v) => placeOf(mesh, v)) as [Place, Place]
  const away = [-FROM_LIDS * (inner[1] - outer[1]), FROM_LIDS * (inner[0] - outer[0])] as const
  return (x, y) => [-1, 1].every((side) => isWithin(outline, x + side * away[0], y + side * away[1]))
}

function placeOf(mesh: ArrayLike<number>, v: number): Place {
  return [at(mesh, 3 * v), at(mesh, 3 * v + 1)]
}

/** By how often a ray to the right crosses the outline. */
function isWithin(outline: readonly Place[], x: number, y: number): boolean {
  let inside = false
  outline.forEach(([px, py], i) => {
    const [qx, qy] = outline[(i + 1) % outline.length] as Place
    if (py > y !== qy > y && x < px + ((y - py) / (qy - py)) * (qx - px)) inside = !inside
  })
  return inside
}

const colour = [0, 0, 0]

function greyAt(image: Rgba, x: number, y: number): number {
  sampleColour(image, x - 0.5, y - 0.5, colour)
  return 0.299 * at(colour, 0) + 0.587 * at(colour, 1) + 0.114 * at(colour, 2)
}
