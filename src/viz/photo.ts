import type { FaceFrame } from '../face/types.js'
import type { Rgba } from '../geometry/types.js'
import { blank, paste } from './canvas.js'
import { dots } from './overlays.js'
import type { Tile } from './tiles.js'

/** Side of the shown square over the larger side of the detector box. */
const CONTEXT = 1.9

/** The part of the photo around the face, with box and landmarks. */
export function photoTile(title: string, face: FaceFrame): Tile {
  const { box, image } = face
  const wanted = Math.round(CONTEXT * Math.max(box.width, box.height))
  const side = Math.min(wanted, image.width, image.height)
  const left = startInside(box.x + box.width / 2, side, image.width)
  const top = startInside(box.y + box.height / 2, side, image.height)
  const frame = {
    path: `M${box.x - left} ${box.y - top}h${box.width}v${box.height}h${-box.width}z`,
    stroke: '#4aa3ff',
    strokeWidth: side / 150,
  }
  const points = face.landmarks68.map((v, i) => v - (i % 2 === 0 ? left : top))
  return {
    image: cut(image, left, top, side),
    kind: 'smooth',
    title,
    note: `${image.width}×${image.height} px, face ${Math.round(box.width)}×${Math.round(box.height)} px`,
    overlay: [frame, ...dots(points, side / 180, '#39d353')],
  }
}

/** Where a stretch of `side` px around `centre` begins, moved so that it stays on the photo. */
function startInside(centre: number, side: number, length: number): number {
  return Math.min(length - side, Math.max(0, Math.round(centre - side / 2)))
}

function cut(image: Rgba, left: number, top: number, side: number): Rgba {
  const out = blank(side, side, [0, 0, 0])
  paste(out, image, -left, -top)
  return out
}
