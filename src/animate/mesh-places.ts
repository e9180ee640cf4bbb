import { OUTLINE } from './face-parts.js'

/** A point of the picture by corners of the face mesh: the sum of their weights is 1 on it, less beyond its rim. */
export interface MeshPlace {
  readonly corners: readonly [number, number, number]
  readonly weights: readonly [number, number, number]
}

/**
 * Places of a grid's points on the mesh, where several triangles lie over one another on the nearest.
 * @param mesh 468x3, px
 * @param columns points have x = column * step, y = row * step
 * @returns by point; undefined off the mesh
 */
export function placesOnMesh(
  mesh: ArrayLike<number>,
  triangles: ArrayLike<number>,
  columns: number,
  rows: number,
  step: number,
): (MeshPlace | undefined)[] {
  const places: (MeshPlace | undefined)[] = new Array(columns * rows).fill(undefined)
  const depths = new Float64Array(columns * rows).fill(Number.POSITIVE_INFINITY)
  const at = (v: number, axis: number) => mesh[3 * v + axis] as number
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [triangles[i], triangles[i + 1], triangles[i + 2]] as [number, number, number]
    const [a, b, c] = corners
    const [ax, ay] = [at(a, 0), at(a, 1)]
    const [bx, by] = [at(b, 0) - ax, at(b, 1) - ay]
    const [cx, cy] = [at(c, 0) - ax, at(c, 1) - ay]
    const area = bx * cy - by * cx
    if (Math.abs(area) < 1e-9) continue
    const [left, right] = range([ax, ax + bx, ax + cx], step, columns)
    const [top, bottom] = range([ay, ay + by, ay + cy], step, rows)
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const [x, y] = [column * step - ax, row * step - ay]
        const second = (x * cy - y * cx) / area
        const third = (y * bx - x * by) / area
        const first = 1 - second - third
        if (first < 0 || second < 0 || third < 0) continue
        const depth = first * at(a, 2) + second * at(b, 2) + third * at(c, 2)
        const point = row * columns + column
        if (depth >= (depths[point] as number)) continue
        depths[point] = depth
        places[point] = { corners, weights: [first, second, third] }
      }
    }
  }
  return places
}

function range(values: readonly number[], step: number, count: number): [number, number] {
  return [
    Math.max(0, Math.ceil(Math.min(...values) / step)),
    Math.min(count - 1, Math.floor(Math.max(...values) / step)),
  ]
}

/** Point of the mesh's outline that is nearest to a point of the picture, and how far it is, px. */
export function nearestOnOutline(
  mesh: ArrayLike<number>,
  x: number,
  y: number,
): { readonly from: number; readonly to: number; readonly share: number; readonly distance: number } {
  let best = { from: 0, to: 0, share: 0, distance: Number.POSITIVE_INFINITY }
  for (let i = 0; i < OUTLINE.length; i++) {
    const [from, to] = [OUTLINE[i] as number, OUTLINE[(i + 1) % OUTLINE.length] as number]
    const [fx, fy] = [mesh[3 * from] as number, mesh[3 * from + 1] as number]
    const [dx, dy] = [(mesh[3 * to] as number) - fx, (mesh[3 * to + 1] as number) - fy]
    const length = dx * dx + dy * dy
    const share = length > 0 ? Math.max(0, Math.min(1, ((x - fx) * dx + (y - fy) * dy) / length)) : 0
    const distance = Math.hypot(x - fx - share * dx, y - fy - share * dy)
    if (distance < best.distance) best = { from, to, share, distance }
  }
  return best
}

/** Sum of what the corners of a place have. @param values Vx3 */
export function valueAt(values: ArrayLike<number>, { corners, weights }: MeshPlace, axis: number): number {
  return (
    weights[0] * (values[3 * corners[0] + axis] as number) +
    weights[1] * (values[3 * corners[1] + axis] as number) +
    weights[2] * (values[3 * corners[2] + axis] as number)
  )
}
