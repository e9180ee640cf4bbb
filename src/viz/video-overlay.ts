import { applySimilarityToPoints, invertSimilarity } from '../face/geometry-similarity.js'
import type { FlowResult, Rgba } from '../face/types.js'
import { blank, drawSvg, paste, resize } from './canvas.js'
import { flowMap, wheelLegend } from './maps.js'
import { wireframe } from './overlays.js'
import { svgText } from './text.js'

/** Longer side of an overlay frame, px. */
const MAX_SIDE = 960
const INSET = 168
const MARGIN = 10

/**
 * One frame of the overlay video: the photo with the reference's mesh as the flow moved it, and the flow
 * from the reference in the corner.
 * @param step flow from the reference frame to the shown one
 * @param full template px of full colour; the same for a whole video, so that colours can be compared
 */
export async function drawVideoFrame(step: FlowResult, caption: string, full: number): Promise<Rgba> {
  const { image, toTemplate } = step.b
  const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height))
  const width = Math.max(INSET + 2 * MARGIN, Math.round(image.width * scale))
  const height = Math.max(INSET + 2 * MARGIN + 24, Math.round(image.height * scale))
  const canvas = blank(width, height)
  paste(
    canvas,
    await resize(image, Math.round(image.width * scale), Math.round(image.height * scale), 'smooth'),
    0,
    0,
  )
  paste(canvas, await resize(flowMap(step.flow, step.mask, full), INSET, INSET, 'smooth'), MARGIN, MARGIN)
  const wheel = 32
  paste(canvas, wheelLegend(wheel), MARGIN + 4, MARGIN + 4)
  const vertices = applySimilarityToPoints(invertSimilarity(toTemplate), step.meshB, 3).map((v) => v * scale)
  return drawSvg(canvas, [
    ...wireframe(vertices, step.triangles, 0.7, '#7fe3ff'),
    svgText(`${full} px`, MARGIN + 6, MARGIN + wheel + 18, { size: 12 }),
    `<rect x="0" y="${height - 24}" width="${width}" height="24" fill="black" fill-opacity="0.55"/>`,
    svgText(caption, MARGIN, height - 7, { size: 13 }),
  ])
}
