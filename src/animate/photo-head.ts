import { BROWS, EYES, INNER_LIPS, MOUTH, SIDES } from './face-parts.js'
import { type Gaze, gazesOf } from './gaze.js'
import { deepened } from './head-depth.js'
import { STEADY } from './head-motion.js'
import { eyeDistance, eyeOpenings, mouthOpening, mouthWidth, upward } from './openings.js'
import { between, distance, meanOf, movePoint, pointAt, subtract, type Vector } from './points.js'
import { poseWeights } from './pose-weights.js'

/** Parts of a face whose motion can be taken over or left, and strengthened; `light`: shades and folds on its skin. */
export const PARTS = ['mouth', 'eyes', 'brows', 'pose', 'light'] as const
/** One of {@link PARTS}. */
export type Part = (typeof PARTS)[number]
type SkinPart = 'mouth' | 'eyes' | 'brows'
/** 1: as the driver does; 0: not at all. */
export type Strengths = Readonly<Record<Part, number>>

/** The face of the photo, measured once. Px of the photo. */
export interface PhotoHead {
  /** 468x3, as deep as it turns (`deepened`); the rims of the eyes lie a little further out than the lids, see `widenRims`. */
  readonly mesh: Float64Array
  /** The same, the rims of the eyes on the lids. */
  readonly landmarks: Float64Array
  /** 10x2. */
  readonly irises: ArrayLike<number>
  readonly weights: Float64Array
  /** Distance of the outer eye corners, px. */
  readonly unit: number
  readonly middle: Vector
  readonly eyeOpenings: readonly [number, number]
  readonly gazes: readonly [Gaze, Gaze]
  readonly mouthOpening: number
  readonly mouthWidth: number
  /** By vertex: nearness to the mouth in [0, 1]. */
  readonly nearMouth: Float64Array
  /** By vertex and part, shares that sum to 1. */
  readonly shares: Readonly<Record<SkinPart, Float64Array>>
}

/** Distances in which the hold of a part on the skin falls, in distances of the outer eye corners. */
const REACH = { mouth: 0.55, eyes: 0.22, brows: 0.25 } as const
const MOUTH_REACH = 0.45

/**
 * @param landmarks 468x3, photo px
 * @param irises 10x2, photo px
 */
export function photoHead(landmarks: ArrayLike<number>, irises: ArrayLike<number>): PhotoHead {
  const deep = deepened(landmarks)
  const unit = eyeDistance(landmarks)
  const mesh = widenRims(deep)
  return {
    mesh,
    landmarks: deep,
    irises,
    weights: poseWeights(mesh),
    unit,
    middle: meanOf(mesh, STEADY),
    eyeOpenings: eyeOpenings(landmarks),
    gazes: gazesOf(landmarks, irises),
    mouthOpening: mouthOpening(landmarks),
    mouthWidth: mouthWidth(landmarks),
    nearMouth: nearness(mesh, meanOf(mesh, INNER_LIPS), MOUTH_REACH * unit),
    shares: partShares(mesh, unit),
  }
}

/** How far the rims go beyond the lids, widths of the eye. */
const BEYOND_LIDS = { upper: 0.11, lower: 0.05 } as const

/**
 * Landmarks run along the water line, and the skin cut there has a rim of white, which would be seen as a slit in a shut eye. So
 * eyes are cut out a little larger, above as far as lashes reach, which would be drawn long with the skin; what lies between is `lashLine`'s.
 */
function widenRims(mesh: Float64Array): Float64Array {
  const out = mesh.slice()
  const up = upward(mesh)
  for (const { pairs, corners } of EYES) {
    const width = distance(mesh, ...corners)
    for (const [upper, lower] of pairs) {
      movePoint(out, upper, up, BEYOND_LIDS.upper * width)
      movePoint(out, lower, up, -BEYOND_LIDS.lower * width)
    }
  }
  return out
}

/** How far the head of a picture is turned to the side, degrees: 0 from the front. */
export function sideTurn(mesh: ArrayLike<number>): number {
  const [x, y, z] = between(mesh, ...SIDES)
  return (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI
}

function nearness(mesh: Float64Array, centre: Vector, reach: number): Float64Array {
  return Float64Array.from({ length: mesh.length / 3 }, (_, v) => {
    return Math.exp(-((Math.hypot(...subtract(pointAt(mesh, v), centre)) / reach) ** 2))
  })
}

/** See `PhotoHead.shares`. @param mesh 468x3 @param unit distance of the outer eye corners */
export function partShares(mesh: Float64Array, unit: number): PhotoHead['shares'] {
  const half = BROWS.length / 2
  const centres: Readonly<Record<SkinPart, readonly Vector[]>> = {
    mouth: [meanOf(mesh, INNER_LIPS), pointAt(mesh, MOUTH.corners[0]), pointAt(mesh, MOUTH.corners[1])],
    eyes: EYES.map(({ rim }) => meanOf(mesh, rim)),
    brows: [meanOf(mesh, BROWS.slice(0, half)), meanOf(mesh, BROWS.slice(half))],
  }
  const count = mesh.length / 3
  const shares = {
    mouth: new Float64Array(count),
    eyes: new Float64Array(count),
    brows: new Float64Array(count),
  }
  const parts = ['mouth', 'eyes', 'brows'] as const
  for (let v = 0; v < count; v++) {
    const place = pointAt(mesh, v)
    const exponents = parts.map((part) => {
      const nearest = Math.min(...centres[part].map((centre) => Math.hypot(...subtract(place, centre))))
      return -((nearest / unit / REACH[part]) ** 2)
    })
    // Relative to the nearest part: far from all of them, as on the forehead, all would be 0.
    const largest = Math.max(...exponents)
    const holds = exponents.map((exponent) => Math.exp(exponent - largest))
    const sum = holds.reduce((a, b) => a + b, 0)
    parts.forEach((part, i) => {
      shares[part][v] = (holds[i] as number) / sum
    })
  }
  return shares
}

/** How wide the mouth is against that of another face, both measured by their eyes. */
export function mouthRatio(photo: PhotoHead, mesh: ArrayLike<number>): number {
  return photo.mouthWidth / photo.unit / (distance(mesh, ...MOUTH.corners) / eyeDistance(mesh))
}
