import Delaunator from 'delaunator'
import type { Rgba } from '../src/index.js'
import type { Point } from './polygons.js'

/**
 * A picture moved by its landmarks alone, as landmark-driven synthesis does: piecewise affine over the Delaunay triangles of where they go.
 * The picture's corners and the middles of its sides stay.
 * @param from landmarks of the picture, px
 * @param to where they go, as many
 */
export function landmarkWarp(picture: Rgba, from: readonly Point[], to: readonly Point[]): Rgba {
  const { width, height } = picture
  const still = [0, width / 2, width].flatMap((x) =>
    [0, height / 2, height].filter((y) => x !== width / 2 || y !== height / 2).map((y): Point => [x, y]),
  )
  const [sources, targets] = [
    [...from, ...still],
    [...to, ...still],
  ]
  const { triangles } = Delaunator.from(targets as [number, number][])
  const data = new Uint8Array(picture.data)
  for (let t = 0; t < triangles.length; t += 3) {
    const corners = [0, 1, 2].map((k) => triangles[t + k] as number) as [number, number, number]
    const [a, b, c] = corners.map((corner) => targets[corner] as Point) as [Point, Point, Point]
    const [sa, sb, sc] = corners.map((corner) => sources[corner] as Point) as [Point, Point, Point]
    const twice = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if (twice === 0) continue
    const rows = [a, b, c].map(([, y]) => y)
    const columns = [a, b, c].map(([x]) => x)
    for (let y = first(rows); y <= last(rows, height); y++) {
      for (let x = first(columns); x <= last(columns, width); x++) {
        const [px, py] = [x + 0.5 - a[0], y + 0.5 - a[1]]
        const u = (px * (c[1] - a[1]) - (c[0] - a[0]) * py) / twice
        const v = ((b[0] - a[0]) * py - px * (b[1] - a[1])) / twice
        if (u < 0 || v < 0 || u + v > 1) continue
        const [sx, sy] = [0, 1].map((axis) => {
          const origin = sa[axis] as number
          return origin + u * ((sb[axis] as number) - origin) + v * ((sc[axis] as number) - origin)
        }) as [number, number]
        for (let channel = 0; channel < 3; channel++) {
          data[4 * (y * width + x) + channel] = Math.round(sample(picture, sx, sy, channel))
        }
      }
    }
  }
  return { width, height, data }
}

/** The first pixel whose centre may lie within. */
function first(places: readonly number[]): number {
  return Math.max(0, Math.floor(Math.min(...places)))
}

function last(places: readonly number[], size: number): number {
  return Math.min(size - 1, Math.ceil(Math.max(...places)))
}

/** Bilinear; the border's pixels go on beyond it. */
function sample({ width, height, data }: Rgba, x: number, y: number, channel: number): number {
  const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)]
  const [fx, fy] = [x - 0.5 - left, y - 0.5 - top]
  const at = (column: number, row: number): number => {
    const [i, j] = [Math.min(width - 1, Math.max(0, column)), Math.min(height - 1, Math.max(0, row))]
    return data[4 * (j * width + i) + channel] as number
  }
  return (
    (1 - fy) * ((1 - fx) * at(left, top) + fx * at(left + 1, top)) +
    fy * ((1 - fx) * at(left, top + 1) + fx * at(left + 1, top + 1))
  )
}
