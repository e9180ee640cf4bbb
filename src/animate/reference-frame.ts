import { FaceError } from '../errors.js'
import { MESH_VERTICES } from '../geometry/types.js'
import { eyeOpenings, mouthOpening } from './openings.js'
import { sideTurn } from './photo-head.js'

/** A mouth that is open by less, widths of the mouth, counts as shut. */
const SHUT = 0.02
/** What an eye half shut, a mouth open by half its width and a head turned by half a right angle cost. */
const COST = { eyes: 2, mouth: 3, turn: 1 } as const
/** Eyes as wide open as in this share of the frames are open: the widest may be a surprise, or a mistake. */
const OPEN_RANK = 0.8

/**
 * The frame of a driver that all others are compared with: eyes open, mouth shut, head turned as in the photo. Motion that is taken
 * over is the difference to it, so what it shows is lost: an open mouth there would stay open in the photo's shut one.
 * @param faces 468x3 landmarks by frame; null where the face is not seen
 * @param photo 468x3 of the photo
 * @returns index of the best; of equal ones the first
 * @throws FaceError NO_FACE if no frame shows a face; INVALID_ARGUMENT for landmarks that are not 468x3 finite numbers
 */
export function referenceFrame(
  faces: readonly (ArrayLike<number> | null)[],
  photo: ArrayLike<number>,
): number {
  assertMesh(photo, 'the photo')
  faces.forEach((face, i) => {
    if (face !== null) assertMesh(face, `frame ${i}`)
  })
  const openings = faces.map((face) => face && Math.min(...eyeOpenings(face)))
  const known = openings.filter((opening) => opening !== null).sort((a, b) => a - b)
  const open = known[Math.min(known.length - 1, Math.floor(OPEN_RANK * known.length))]
  const wanted = sideTurn(photo)
  let best = { index: -1, cost: Number.POSITIVE_INFINITY }
  faces.forEach((face, index) => {
    if (face === null || open === undefined) return
    const lids = Math.max(0, 1 - (openings[index] as number) / open)
    const lips = Math.max(0, mouthOpening(face) - SHUT)
    const cost =
      COST.eyes * lids * 2 + COST.mouth * lips * 2 + (COST.turn * Math.abs(sideTurn(face) - wanted)) / 45
    if (cost < best.cost) best = { index, cost }
  })
  if (best.index >= 0) return best.index
  throw new FaceError(
    'NO_FACE',
    `none of the ${faces.length} frames shows a face; give a driver that shows one`,
  )
}

function assertMesh(face: ArrayLike<number>, whose: string): void {
  const count = 3 * MESH_VERTICES
  if (face?.length === count && Array.prototype.every.call(face, Number.isFinite)) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `referenceFrame: the landmarks of ${whose} are not ${count} finite numbers; give landmarks468 as detect() gives them, null for a frame without a face`,
  )
}
