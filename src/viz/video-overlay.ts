import type { Rgba } from '../geometry/types.js'
import { drawShapes, resizePicture } from '../platform/index.js'
import { blank, paste } from './canvas.js'
import { flowMap, wheelLegend } from './maps.js'
import { wireframe } from './overlays.js'
import { textShape } from './text.js'

/** Longer side of the photo in an overlay frame, px: large ones shrink, small ones grow to the least. */
const MAX_SIDE = 960
const MIN_SIDE = 640
const FLOW_SIDE = 224
const MARGIN = 12
const WHEEL = 40
const LINE = 20
/** Room for as many lines in every frame: the frames of a video are of one size. */
const LINES = 4

/** What an overlay frame shows of the flow. */
export interface ShownMotion {
  /** 224x224x3, template px. */
  readonly flow: Float32Array
  /** 224x224. */
  readonly mask: Uint8Array
  /** Vx3, photo px: the reference's mesh as the flow moved it. */
  readonly vertices: Float32Array
  readonly triangles: Uint16Array
}

/**
 * One frame of the overlay video: the photo with the reference's mesh as the flow moved it, and beside it
 * the flow from the reference.
 * @param motion null for frames without flow
 * @param lines what is written under the flow
 * @param full template px of full colour; the same for a whole video, so that colours can be compared
 */
export async function drawVideoFrame(
  image: Rgba,
  motion: ShownMotion | null,
  lines: readonly string[],
  full: number,
): Promise<Rgba> {
  const side = Math.max(image.width, image.height)
  const scale = Math.max(MIN_SIDE, Math.min(MAX_SIDE, side)) / side
  const width = Math.round(image.width * scale)
  const height = Math.round(image.height * scale)
  const panel = FLOW_SIDE + 2 * MARGIN
  const textTop = MARGIN + FLOW_SIDE + LINE + 4
  const canvas = blank(width + panel, Math.max(height, textTop + Math.max(LINES, lines.length) * LINE))
  paste(canvas, await resizePicture(image, width, height, 'smooth'), 0, 0)
  const left = width + MARGIN
  const text = lines.map((line, i) =>
    textShape(line, left, textTop + i * LINE, { size: 13, fill: '#d6d9df' }),
  )
  if (motion === null) return drawShapes(canvas, text)
  paste(canvas, flowMap(motion.flow, motion.mask, full), left, MARGIN)
  paste(canvas, wheelLegend(WHEEL), left + 4, MARGIN + FLOW_SIDE - WHEEL - 18)
  const vertices = motion.vertices.map((v) => v * scale)
  return drawShapes(canvas, [
    // Clipped to the photo: a face cut by the border must not run into the panel.
    {
      shapes: wireframe(vertices, motion.triangles, 0.7, '#7fe3ff'),
      x: 0,
      y: 0,
      scale: 1,
      clip: { width, height },
    },
    textShape(`${full} px`, left + 4, MARGIN + FLOW_SIDE - 5, { size: 12 }),
    ...text,
  ])
}
