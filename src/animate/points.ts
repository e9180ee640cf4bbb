/** Packed points of space, Nx3, float64. */

export type Vector = [number, number, number]

export function pointAt(points: ArrayLike<number>, index: number): Vector {
  return [points[3 * index] as number, points[3 * index + 1] as number, points[3 * index + 2] as number]
}

export function subtract([a, b, c]: Vector, [d, e, f]: Vector): Vector {
  return [a - d, b - e, c - f]
}

export function dot([a, b, c]: Vector, [d, e, f]: Vector): number {
  return a * d + b * e + c * f
}

export function between(points: ArrayLike<number>, from: number, to: number): Vector {
  return subtract(pointAt(points, to), pointAt(points, from))
}

export function distance(points: ArrayLike<number>, from: number, to: number): number {
  return Math.hypot(...between(points, from, to))
}

/** Mean of the points of a list. */
export function meanOf(points: ArrayLike<number>, indices: readonly number[]): Vector {
  const sum: Vector = [0, 0, 0]
  for (const index of indices) {
    for (let axis = 0; axis < 3; axis++)
      sum[axis] = (sum[axis] as number) + (points[3 * index + axis] as number)
  }
  return sum.map((value) => value / indices.length) as Vector
}

export function movePoint(points: Float64Array, index: number, by: Vector, factor: number): void {
  for (let axis = 0; axis < 3; axis++) {
    points[3 * index + axis] = (points[3 * index + axis] as number) + factor * (by[axis] as number)
  }
}
