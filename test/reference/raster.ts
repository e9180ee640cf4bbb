import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'

/**
 * The rasteriser's rules, brute force: every pixel asks every triangle. Vertices are rounded to 1/256 px (half to
 * even); a pixel centre (integer + 0.5) belongs to a triangle if it is strictly inside, or on an edge that is
 * top (horizontal, inside below) or left (inside to the right); smallest z wins, then the lowest index.
 * Left out: no area, a coordinate beyond +-2^21 or not finite, and, with cull 'back', corners in clockwise
 * (frontFace 'ccw') or counter-clockwise (frontFace 'cw') order on the screen.
 */
export interface RasterRules {
  readonly width: number
  readonly height: number
  readonly triangles: Uint32Array
  readonly cull?: 'none' | 'back'
  readonly frontFace?: 'ccw' | 'cw'
  readonly firstTriangle?: number
}

export interface Cover {
  readonly triangle: number
  readonly z: number
  /** Barycentric weights of the first and second vertex. */
  readonly b0: number
  readonly b1: number
}

const RANGE = 2 ** 21

function roundHalfEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  if (rest < 0.5) return low
  return rest > 0.5 || low % 2 !== 0 ? low + 1 : low
}

/** x, y in 1/256 px. */
interface Corner {
  readonly x: number
  readonly y: number
  readonly z: number
}

function corner(vertices: RefTensor, n: number, index: number): Corner | undefined {
  const xyz = [0, 1, 2].map((axis) => elementOf(vertices, n, 0, index, axis))
  if (!xyz.every((v) => Math.abs(v) <= RANGE)) return undefined
  const [x = 0, y = 0, z = 0] = xyz
  return { x: roundHalfEven(x * 256), y: roundHalfEven(y * 256), z }
}

// Below this, products of differences are exact in float64.
const SAFE = 2 ** 25

/**
 * Twice the signed area of p, q and (x, y): positive where they are clockwise on a screen whose y points down. The
 * sign and zero are exact.
 * @param small all coordinates are below `SAFE`
 */
function area2(p: Corner, q: Corner, x: number, y: number, small: boolean): number {
  if (small) return (q.x - p.x) * (y - p.y) - (q.y - p.y) * (x - p.x)
  return Number(BigInt(q.x - p.x) * BigInt(y - p.y) - BigInt(q.y - p.y) * BigInt(x - p.x))
}

/** Whether points on the edge p -> q of a clockwise triangle belong to it. */
function ownsEdge(p: Corner, q: Corner): boolean {
  const isTop = p.y === q.y && q.x > p.x
  const isLeft = q.y < p.y
  return isTop || isLeft
}

/** All triangles over each pixel, `[y * width + x]`, in order of their indices. */
export function coverage(vertices: RefTensor, n: number, rules: RasterRules): Cover[][] {
  const { width, height, triangles } = rules
  const pixels = Array.from({ length: width * height }, (): Cover[] => [])
  for (let t = 0; t < triangles.length / 3; t++) {
    const corners = [0, 1, 2].map((k) => corner(vertices, n, triangles[t * 3 + k] as number))
    const [a, b, c] = corners
    if (!a || !b || !c) continue
    const small = [a, b, c].every(({ x, y }) => Math.abs(x) < SAFE && Math.abs(y) < SAFE)
    const area = area2(a, b, c.x, c.y, small)
    if (area === 0) continue
    const clockwise = area > 0
    if (rules.cull === 'back' && clockwise !== (rules.frontFace === 'cw')) continue
    // Walk clockwise: swap the last two corners of the others.
    const [p, q, r] = clockwise ? [a, b, c] : [a, c, b]
    const size = Math.abs(area)
    // Generous by a pixel on each side.
    const span = (low: number, high: number, count: number): [number, number] => [
      Math.max(0, Math.floor(low / 256) - 1),
      Math.min(count - 1, Math.floor(high / 256) + 1),
    ]
    const [x0, x1] = span(Math.min(a.x, b.x, c.x), Math.max(a.x, b.x, c.x), width)
    const [y0, y1] = span(Math.min(a.y, b.y, c.y), Math.max(a.y, b.y, c.y), height)
    const owns = [ownsEdge(q, r), ownsEdge(r, p), ownsEdge(p, q)]
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const cx = x * 256 + 128
        const cy = y * 256 + 128
        const edges = [area2(q, r, cx, cy, small), area2(r, p, cx, cy, small), area2(p, q, cx, cy, small)]
        if (!edges.every((e, i) => e > 0 || (e === 0 && owns[i]))) continue
        const [wp = 0, wq = 0, wr = 0] = edges.map((e) => e / size)
        const b0 = wp
        const b1 = clockwise ? wq : wr
        const z = c.z + b0 * (a.z - c.z) + b1 * (b.z - c.z)
        pixels[y * width + x]?.push({ triangle: t, z, b0, b1 })
      }
    }
  }
  return pixels
}

/** Fragments n x h x w x 4: z, b0, b1, triangle; 0, 0, 0, -1 where empty. Those of `front` stay where they have a triangle. */
export function rasteriseReference(vertices: RefTensor, rules: RasterRules, front?: RefTensor): RefTensor {
  const perBatch = Array.from({ length: vertices.n }, (_, n) =>
    coverage(vertices, n, rules).map((covers) => {
      let best: Cover | undefined
      for (const cover of covers) if (best === undefined || cover.z < best.z) best = cover
      return best ? [best.z, best.b0, best.b1, best.triangle + (rules.firstTriangle ?? 0)] : [0, 0, 0, -1]
    }),
  )
  return refTensor(vertices.n, rules.height, rules.width, 4, (n, y, x, c) => {
    if (front && elementOf(front, n, y, x, 3) >= 0) return elementOf(front, n, y, x, c)
    return perBatch[n]?.[y * rules.width + x]?.[c] ?? Number.NaN
  })
}

/**
 * Attributes (n or 1) x 1 x V x c spread over fragments: the weighted mean of the corners; where none of the triangles is, 0 or what
 * `front` has.
 */
export function interpolateReference(
  fragments: RefTensor,
  attributes: RefTensor,
  triangles: Uint32Array,
  firstTriangle = 0,
  front?: RefTensor,
): RefTensor {
  return refTensor(fragments.n, fragments.h, fragments.w, attributes.c, (n, y, x, c) => {
    const [b0 = 0, b1 = 0, t = -1] = [1, 2, 3].map((k) => elementOf(fragments, n, y, x, k))
    if (t < firstTriangle) return front ? elementOf(front, n, y, x, c) : 0
    const weights = [b0, b1, 1 - b0 - b1]
    return weights.reduce((sum, weight, k) => {
      const vertex = triangles[(t - firstTriangle) * 3 + k] as number
      return sum + weight * elementOf(attributes, Math.min(n, attributes.n - 1), 0, vertex, c)
    }, 0)
  })
}
