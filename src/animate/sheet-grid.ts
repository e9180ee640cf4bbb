import type { FaceTriangles } from './face-parts.js'
import { type HeadFrame, headShare } from './head-depth.js'
import { type HeadPoint, headPoints, type Reliefs } from './head-points.js'
import { placesOnMesh } from './mesh-places.js'

/** A corner of the grid. */
export interface GridPoint extends HeadPoint {
  /** How much it goes with the head. */
  readonly share: number
}

/** Pixels between neighbouring points, at least; at most so many points. */
const STEP = 3
const MOST_POINTS = 40_000

/**
 * The grid over all of the person that the face mesh does not cover: hair, ears, neck, body.
 * @param person h*w; not 0 where the person is
 * @returns triangles: three numbers of points each
 */
export function sheetGrid(
  reliefs: Reliefs,
  faces: FaceTriangles,
  frame: HeadFrame,
  person: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): { readonly points: GridPoint[]; readonly triangles: number[] } {
  const [mesh] = reliefs
  const step = Math.max(STEP, Math.sqrt((width * height) / MOST_POINTS))
  const [columns, rows] = [Math.ceil(width / step) + 1, Math.ceil(height / step) + 1]
  const all = Uint32Array.from([...faces.skin, ...faces.mouth, ...faces.eyes[0], ...faces.eyes[1]])
  const onMesh = placesOnMesh(mesh, all, columns, rows, step)
  const isPerson = personPoints(person, width, height, columns, rows, step)
  const pointOf = headPoints(reliefs, frame)
  const numbers = new Int32Array(columns * rows).fill(-1)
  const points: GridPoint[] = []
  const triangles: number[] = []
  const deep = (point: number) => isDeep(onMesh, point, columns, rows)
  const numberOf = (point: number): number => {
    if ((numbers[point] as number) >= 0) return numbers[point] as number
    const [x, y] = [(point % columns) * step, Math.floor(point / columns) * step]
    const share = headShare(frame, x, y, height)
    points.push({ share, ...pointOf(onMesh[point], x, y) })
    numbers[point] = points.length - 1
    return points.length - 1
  }
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column
      const [b, c, d] = [a + 1, a + columns, a + columns + 1]
      for (const corners of [
        [a, b, c],
        [b, d, c],
      ]) {
        if (!corners.some((corner) => isPerson[corner]) || corners.every(deep)) continue
        triangles.push(...corners.map(numberOf))
      }
    }
  }
  return { points, triangles }
}

/** Whether all points around lie on the mesh: what is deep inside needs no grid. */
function isDeep(onMesh: readonly unknown[], point: number, columns: number, rows: number): boolean {
  const [column, row] = [point % columns, Math.floor(point / columns)]
  for (let y = row - 1; y <= row + 1; y++) {
    for (let x = column - 1; x <= column + 1; x++) {
      if (x < 0 || y < 0 || x >= columns || y >= rows || onMesh[y * columns + x] === undefined) return false
    }
  }
  return true
}

/** Points with the person within a step. */
function personPoints(
  person: Uint8Array,
  width: number,
  height: number,
  columns: number,
  rows: number,
  step: number,
): Uint8Array {
  const found = new Uint8Array(columns * rows)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (person[y * width + x] === 0) continue
      const [column, row] = [Math.floor((x + 0.5) / step), Math.floor((y + 0.5) / step)]
      for (const point of [row * columns + column, row * columns + column + 1])
        found[point] = found[point + columns] = 1
    }
  }
  return found
}
