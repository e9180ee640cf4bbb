import { sampleMasked } from '../geometry/masked-sample.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import type { Outline } from '../platform/index.js'

/** Shapes drawn over photos: landmarks, mesh, arrows. */

const N = TEMPLATE_SIZE

/**
 * Dots at 2D points.
 * @param points Nx2
 * @param radius px of the image drawn on
 */
export function dots(points: ArrayLike<number>, radius: number, colour: string): Outline[] {
  const circles: Outline[] = []
  for (let i = 0; i + 1 < points.length; i += 2) {
    const left = (points[i] as number) - radius
    const half = (width: number) => `a${radius} ${radius} 0 1 0 ${width} 0`
    circles.push({
      path: `M${coordinate(left)} ${coordinate(points[i + 1])}${half(2 * radius)}${half(-2 * radius)}z`,
      fill: colour,
      stroke: 'black',
      strokeOpacity: 0.5,
      strokeWidth: radius / 3,
    })
  }
  return circles
}

/**
 * Edges of a mesh.
 * @param vertices Vx3; z is not drawn
 * @param width px of the image drawn on
 */
export function wireframe(
  vertices: ArrayLike<number>,
  triangles: ArrayLike<number>,
  width: number,
  colour: string,
): Outline[] {
  const drawn = new Set<number>()
  let path = ''
  for (let i = 0; i < triangles.length; i++) {
    const from = triangles[i] as number
    const to = triangles[i % 3 === 2 ? i - 2 : i + 1] as number
    // Inner edges belong to two triangles, once in each direction.
    const edge = Math.min(from, to) * 65536 + Math.max(from, to)
    if (drawn.has(edge)) continue
    drawn.add(edge)
    path += `M${coordinate(vertices[3 * from])} ${coordinate(vertices[3 * from + 1])}L${coordinate(vertices[3 * to])} ${coordinate(vertices[3 * to + 1])}`
  }
  return [{ path, stroke: colour, strokeOpacity: 0.7, strokeWidth: width }]
}

/** Px between arrows, template frame. */
const ARROW_SPACING = 9
/** Arrows are drawn this many times longer, the largest factor that keeps the longest below the limit. */
const ARROW_FACTORS = [5, 4, 3, 2, 1]
const ARROW_LIMIT = 16

/**
 * Arrows of a flow on a grid over the 224x224 frame.
 * @param flow 224x224x3
 * @param mask 224x224
 * @param scale template px that the colour scale calls "full", which is what the arrows' factor follows
 */
export function arrows(
  flow: Float32Array,
  mask: Uint8Array,
  scale: number,
): { shapes: Outline[]; factor: number } {
  const factor = ARROW_FACTORS.find((f) => f * scale <= ARROW_LIMIT) ?? 1
  const step = new Float64Array(3)
  let path = ''
  for (let y = ARROW_SPACING / 2; y < N; y += ARROW_SPACING) {
    for (let x = ARROW_SPACING / 2; x < N; x += ARROW_SPACING) {
      if (sampleMasked(flow, 3, mask, x, y, step) < 0.999) continue
      path += arrow(x, y, (step[0] as number) * factor, (step[1] as number) * factor)
    }
  }
  // Drawn twice, dark below bright, to be seen on light skin and on dark.
  const layer = (stroke: string, strokeWidth: number) => ({ path, stroke, strokeWidth, round: true })
  return { shapes: [layer('#101014', 1.9), layer('#ffe14a', 0.9)], factor }
}

/** Shaft with a two-stroke head; a dot where there is next to no motion. */
function arrow(x: number, y: number, dx: number, dy: number): string {
  const length = Math.hypot(dx, dy)
  if (length < 0.3) return `M${coordinate(x)} ${coordinate(y)}h0.01`
  const [tipX, tipY] = [x + dx, y + dy]
  const head = Math.min(3, 0.45 * length)
  const angle = Math.atan2(dy, dx)
  const barb = (turn: number) =>
    `${coordinate(tipX - head * Math.cos(angle + turn))} ${coordinate(tipY - head * Math.sin(angle + turn))}`
  const tip = `${coordinate(tipX)} ${coordinate(tipY)}`
  return `M${coordinate(x)} ${coordinate(y)}L${tip}M${barb(0.5)}L${tip}L${barb(-0.5)}`
}

function coordinate(value: number | undefined): string {
  return (value ?? 0).toFixed(2)
}
