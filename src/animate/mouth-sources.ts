import { EYE_CORNERS, MOUTH } from './face-parts.js'
import type { MouthSource } from './inner-mouth.js'
import { mouthOpening } from './openings.js'
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
/** A photo whose mouth is open by this, widths of the mouth, shows teeth, which stay the person's own. */
const SHOWS_TEETH = 0.06

/**
 * Whose mouth is shown inside moved lips, and how much of it.
 * @param mesh 468x3, the photo's with the expression
 * @param driver null where the driver's frame does not show the motion
 */
export function nearestMouth(
  head: PhotoHead,
  mesh: Float64Array,
  sources: readonly OpenMouth[],
  driver: MouthSource | null,
): [source: MouthSource, strength: number] {
  const opening = mouthOpening(mesh)
  const isOwn = head.mouthOpening > SHOWS_TEETH && opening <= LARGEST_STRETCH * head.mouthOpening
  const gain = opening * distance(mesh, ...MOUTH.corners) - head.mouthOpening * head.mouthWidth
  const strength = Math.max(
    0,
    Math.min(1, (gain / distance(head.mesh, ...EYE_CORNERS) - OWN_SERVES) / FADES_IN),
  )
  const fitting = sources.filter((source) => opening <= LARGEST_STRETCH * source.opening)
  const [best] = [...fitting].sort((a, b) => Math.abs(a.opening - opening) - Math.abs(b.opening - opening))
  const source = best ?? driver ?? sources[0]
  return source === undefined || isOwn ? [NO_MOUTH, 0] : [source, strength]
}

const NO_MOUTH: MouthSource = {
  image: { width: 1, height: 1, data: new Uint8Array(4) },
  places: new Float32Array(48),
}
