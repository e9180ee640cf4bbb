import { EYE_CORNERS, MOUTH } from './face-parts.js'
import type { MouthSource } from './inner-mouth.js'
import { mouthOpening } from './openings.js'
import { SHOWS_TEETH } from './own-teeth.js'
import type { PhotoHead } from './photo-head.js'
import { distance } from './points.js'

/** An open mouth of the photo's person in another photo. */
export interface OpenMouth extends MouthSource {
  /** See `mouthOpening`. */
  readonly opening: number
}

/** The photo's own mouth, if it shows no teeth, serves until it is wider open by this, distances of the outer eye corners; then the other fades in. */
const OWN_SERVES = 0.015
const FADES_IN = 0.04
/** A photo serves for mouths up to so many times as open as its own. */
const LARGEST_STRETCH = 2.5
/** From here on its own teeth go over into the other's, so that a mouth about as wide as that does not flicker. */
const STRETCHED = 2.2

/**
 * With further photos: where the opening of none is as near as this to what is wanted, widths of the mouth, the driver's mouth comes in, and
 * is alone beyond the other. Teeth of a mouth open otherwise stand elsewhere.
 */
const NEAR = 0.02
const FAR = 0.04

/** A mouth, and how much of it is shown, in [0, 1]. */
type ShownMouth = readonly [source: MouthSource, strength: number]

/**
 * Whose mouths are shown inside moved lips, and how much of each; what they leave is the head's own.
 * @param mesh 468x3, the photo's with the expression
 * @param photoOpening of the photo that is moved, whichever `head` is: see `mouthOpening`
 * @param driver null where the driver's frame does not show the motion
 */
export function shownMouths(
  head: PhotoHead,
  mesh: Float64Array,
  photoOpening: number,
  sources: readonly OpenMouth[],
  driver: MouthSource | null,
): ShownMouth[] {
  const opening = mouthOpening(mesh)
  const stretch = opening / head.mouthOpening
  const own =
    head.mouthOpening > SHOWS_TEETH ? clamp((LARGEST_STRETCH - stretch) / (LARGEST_STRETCH - STRETCHED)) : 0
  const gain = opening * distance(mesh, ...MOUTH.corners) - head.mouthOpening * head.mouthWidth
  const strength = (1 - own) * clamp((gain / distance(head.mesh, ...EYE_CORNERS) - OWN_SERVES) / FADES_IN)
  const fitting = sources.filter((source) => opening <= LARGEST_STRETCH * source.opening)
  const [best] = [...fitting].sort((a, b) => Math.abs(a.opening - opening) - Math.abs(b.opening - opening))
  const source = best ?? driver ?? sources[0]
  const near: ShownMouth = source === undefined || own === 1 ? [NO_MOUTH, 0] : [source, strength]
  if (sources.length === 0 || driver === null) return [near]
  const off = [photoOpening, ...sources.map((one) => one.opening)].map((one) => Math.abs(one - opening))
  const share = clamp((Math.min(...off) - NEAR) / (FAR - NEAR))
  // The same inside in all that is blended.
  return [
    [near[0], (1 - share) * near[1]],
    [driver, share * (own + strength)],
  ]
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value))
}

const NO_MOUTH: MouthSource = {
  image: { width: 1, height: 1, data: new Uint8Array(4) },
  places: new Float32Array(48),
  isPhotosPerson: false,
}
