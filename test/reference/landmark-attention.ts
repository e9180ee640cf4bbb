import type { RegionTransformAttrs } from '../../src/ops/mesh/landmark-attention.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

type Point = readonly [number, number]

const rotate = ([x, y]: Point, angle: number): Point => [
  Math.cos(angle) * x - Math.sin(angle) * y,
  Math.sin(angle) * x + Math.cos(angle) * y,
]

export function regionTransformReference(landmarks: RefTensor, attrs: RegionTransformAttrs): RefTensor {
  const { line, vertices, scale, side, margin } = attrs
  const matrices = Array.from({ length: landmarks.n }, (_, n) => {
    const at = (vertex: number): Point => [
      scale * elementOf(landmarks, n, 0, 0, 3 * vertex),
      scale * elementOf(landmarks, n, 0, 0, 3 * vertex + 1),
    ]
    const [left, right] = line.map(at) as [Point, Point]
    const angle = -Math.atan2(right[1] - left[1], right[0] - left[0])
    const upright = vertices.map((vertex) => rotate(at(vertex), angle))
    const xs = upright.map(([x]) => x)
    const ys = upright.map(([, y]) => y)
    const [lowX, highX, lowY, highY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
    const centre = rotate([(lowX + highX) / 2, (lowY + highY) / 2], -angle)
    const map = ([px, py]: Point): Point => {
      const [x, y] = rotate(
        [
          ((margin * (highX - lowX)) / side) * (px - side / 2),
          ((margin * (highY - lowY)) / side) * (py - side / 2),
        ],
        -angle,
      )
      return [x + centre[0], y + centre[1]]
    }
    const zero = map([0, 0])
    const alongX = map([1, 0])
    const alongY = map([0, 1])
    return [0, 1].flatMap((axis) => [
      (alongX[axis] ?? 0) - (zero[axis] ?? 0),
      (alongY[axis] ?? 0) - (zero[axis] ?? 0),
      zero[axis] ?? 0,
    ])
  })
  return refTensor(landmarks.n, 1, 1, 6, (n, _y, _x, c) => matrices[n]?.[c] ?? Number.NaN)
}

function apply(matrix: RefTensor, n: number, x: number, y: number, shift: number): Point {
  const m = (c: number) => elementOf(matrix, n, 0, 0, c)
  return [m(0) * x + m(1) * y + m(2) * shift, m(3) * x + m(4) * y + m(5) * shift]
}

export function regionCropReference(
  input: RefTensor,
  matrix: RefTensor,
  height: number,
  width: number,
): RefTensor {
  return refTensor(input.n, height, width, input.c, (n, y, x, c) => {
    const [mapX, mapY] = apply(matrix, n, x + 0.5, y + 0.5, 1)
    const [qx, qy] = [mapX - 0.5, mapY - 0.5]
    if (qx < 0 || qy < 0 || qx > input.w - 1 || qy > input.h - 1) return 0
    return sampleReference(input, n, qy, qx, c, 'zero')
  })
}

export function regionPointsReference(points: RefTensor, matrix: RefTensor, scale: number): RefTensor {
  return refTensor(points.n, 1, 1, points.c, (n, _y, _x, c) => {
    const first = c - (c % 2)
    const x = elementOf(points, n, 0, 0, first)
    const y = elementOf(points, n, 0, 0, first + 1)
    return apply(matrix, n, x, y, scale)[c % 2] ?? Number.NaN
  })
}
