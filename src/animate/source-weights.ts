import { at } from '../geometry/array.js'
import { multiply, transposed } from '../geometry/rotation.js'
import { toRotationVector } from '../geometry/rotation-vector.js'
import type { HeadPose } from './carry-over.js'
import { EYES, INNER_LIPS, LIPS } from './face-parts.js'
import type { PhotoHead } from './photo-head.js'
import { meanOf, pointAt, subtract } from './points.js'

/** Parts of a face that each come from the photos that show them as they are wanted. */
export const REGIONS = ['mouth', 'right eye', 'left eye', 'rest'] as const

/** By region: a number each. */
type ByRegion = readonly number[]

/** How a photo holds face and head, in px of the photo that is moved. */
export interface ShownFace {
  /** 468x3, before the head is turned. */
  readonly mesh: ArrayLike<number>
  /** Against the photo that is moved, 3x3. */
  readonly rotation: readonly number[]
}

/** Where the regions of a head are, measured once. */
export interface Regions {
  /** By region: 468 weights that sum to 1, of what is looked at to tell expressions apart. */
  readonly looks: readonly Float64Array[]
  /** By region: 468 shares; those of one vertex sum to 1. */
  readonly shares: readonly Float64Array[]
  readonly unit: number
}

/** What an inner lip counts, an outer one 1. */
const INNER = 3
/** Within what a region passes into the rest, distances of the outer eye corners. */
const REACH = [0.5, 0.3, 0.3] as const

export function regionsOf({ mesh, unit }: PhotoHead): Regions {
  const count = mesh.length / 3
  const parts = [LIPS, EYES[0].rim, EYES[1].rim]
  const near = parts.map((part, i) => {
    const centre = meanOf(mesh, part)
    return Float64Array.from({ length: count }, (_, v) => {
      const [x, y, z] = subtract(pointAt(mesh, v), centre)
      return Math.exp(-((Math.hypot(x, y, z) / unit / (REACH[i] as number)) ** 2))
    })
  })
  const total = Float64Array.from({ length: count }, (_, v) =>
    near.reduce((sum, part) => sum + (part[v] as number), 0),
  )
  const shares = near.map((part) => part.map((value, v) => value / Math.max(1, total[v] as number)))
  shares.push(total.map((value) => Math.max(0, 1 - value)))
  const looks = parts.map((part) => {
    const weights = Float64Array.from({ length: count }, (_, v) => (part.includes(v) ? 1 : 0))
    // Whether teeth are seen is the inner lips' matter.
    for (const v of INNER_LIPS) weights[v] = INNER * (weights[v] as number)
    const sum = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight) => weight / sum)
  })
  const rest = shares[3] as Float64Array
  const sum = rest.reduce((a, b) => a + b, 0)
  looks.push(rest.map((value) => value / sum))
  return { looks, shares, unit }
}

/** A turn that counts as much as an expression of one unit, radians to distances of the outer eye corners. */
const TURN = 0.25
/** Differences below this are noise, distances of the outer eye corners. */
const NOISE = 0.006
/**
 * Lips that move tell less of how a mouth looks: photos whose lips are a little nearer to what is wanted are no better, and the mean of several is. So
 * noise grows by so many times what the moved photo's own lips are away, as far as `most`; where they are not, the photo stays as it is.
 */
const LIP_NOISE = { gain: 2, most: 0.035 } as const
/** What is twice as far away counts so many powers of two less. */
const SHARPNESS = 6

/** How far a photo is from what is wanted, by region, distances of the outer eye corners, squared. */
export function unlikeness(
  regions: Regions,
  shown: ShownFace,
  wanted: ArrayLike<number>,
  pose: HeadPose,
): ByRegion {
  const turn = Math.hypot(...toRotationVector(multiply(pose.rotation, transposed(shown.rotation))))
  return regions.looks.map((looks) => {
    let sum = 0
    for (let v = 0; v < looks.length; v++) {
      const weight = looks[v] as number
      if (weight === 0) continue
      // Depth says little and trembles.
      for (let k = 3 * v; k < 3 * v + 2; k++) {
        sum += weight * ((wanted[k] as number) - (shown.mesh[k] as number)) ** 2
      }
    }
    return sum / regions.unit ** 2 + (TURN * turn) ** 2
  })
}

/**
 * What photos count in each region: the nearer, the more, and all that are near alike, whose noise goes away.
 * @param distances by photo, the one that is moved first, of {@link unlikeness}
 * @param priors by photo
 * @returns by photo and region; those of a region sum to 1
 */
export function regionWeights(distances: readonly ByRegion[], priors: readonly number[]): ByRegion[] {
  const noise = REGIONS.map((region, r) => {
    const own = region === 'mouth' ? LIP_NOISE.gain ** 2 * ((distances[0] as ByRegion)[r] as number) : 0
    return Math.min(NOISE ** 2 + own, LIP_NOISE.most ** 2)
  })
  const raw = distances.map((distance, i) => {
    return distance.map((d, r) => at(priors, i) / (d + at(noise, r)) ** (SHARPNESS / 2))
  })
  const sums = REGIONS.map((_, r) => raw.reduce((sum, weights) => sum + (weights[r] as number), 0))
  return raw.map((weights) => weights.map((weight, r) => weight / (sums[r] as number)))
}

/** A photo that counts less than the first of these everywhere is not drawn: each costs as much as the photo itself, and it is hardly seen. From the other one on it counts in full. */
const SEEN = { hardly: 0.04, wholly: 0.1 } as const

/**
 * Leaves the `most` photos that matter most, and takes from what they count so much that the one that is left out next comes in and
 * goes out with nothing, as do those that hardly matter.
 * @param weights by photo and region
 */
export function strongest(
  weights: readonly ByRegion[],
  most: number,
): { readonly index: number; readonly weights: ByRegion }[] {
  const scored = weights.map((byRegion, index) => ({
    index,
    weights: byRegion,
    score: Math.max(...byRegion),
  }))
  scored.sort((a, b) => b.score - a.score || a.index - b.index)
  const floor = scored[most]?.score ?? 0
  return scored.slice(0, most).flatMap(({ index, weights: byRegion, score }) => {
    const seen = Math.max(0, Math.min(1, (score - SEEN.hardly) / (SEEN.wholly - SEEN.hardly)))
    const share = score > 0 ? (seen * (score - floor)) / score : 0
    return share > 0 ? [{ index, weights: byRegion.map((weight) => share * weight) }] : []
  })
}
