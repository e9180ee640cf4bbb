import { applySimilarity, invertSimilarity } from '../src/geometry/similarity.js'
import type { Similarity } from '../src/index.js'
import { mean } from './real-metrics.js'

/** How steady a tracked face is, from where its vertices are frame by frame. */

/** Vertices of the reference frame by frame: V x 3, template px of the frame. */
export type Path = readonly Float32Array[]

/** Vertices of both cheeks, which keep still beside the head's own motion. */
export const CHEEKS = [
  50, 101, 118, 117, 123, 147, 187, 205, 36, 100, 119, 120, 280, 330, 347, 346, 352, 376, 411, 425, 266, 329,
  348, 349,
] as const

/** Upper and lower vertex of the inner lips, and of the lids of either eye. */
export const MOUTH = [[13, 14]] as const
export const EYES = [
  [159, 145],
  [386, 374],
] as const

/** The path in photo px, z left out: V x 2 a frame. */
export function inPhotos(path: Path, toTemplate: readonly Similarity[]): Float32Array[] {
  return path.map((vertices, t) => {
    const back = invertSimilarity(toTemplate[t] as Similarity)
    const out = new Float32Array((vertices.length / 3) * 2)
    for (let v = 0; v < out.length / 2; v++) {
      out.set(applySimilarity(back, vertices[3 * v] as number, vertices[3 * v + 1] as number), 2 * v)
    }
    return out
  })
}

/**
 * Mean length of the second difference in time, in the unit of the path: what trembles, and what the face itself speeds up.
 * @param axes of `stride` numbers a vertex
 */
export function tremble(
  path: readonly Float32Array[],
  vertices: readonly number[],
  stride: 2 | 3,
  axes: readonly number[],
): number {
  return mean(
    path.slice(2).flatMap((next, t) => {
      const [before, now] = [path[t] as Float32Array, path[t + 1] as Float32Array]
      return vertices.map((v) =>
        Math.hypot(
          ...axes.map((axis) => {
            const i = stride * v + axis
            return (next[i] as number) - 2 * (now[i] as number) + (before[i] as number)
          }),
        ),
      )
    }),
  )
}

/** Mean distance of two meshes over some vertices, along some axes. */
export function apart(
  a: Float32Array,
  b: Float32Array,
  vertices: readonly number[],
  axes: readonly number[],
): number {
  return mean(
    vertices.map((v) =>
      Math.hypot(...axes.map((axis) => (a[3 * v + axis] as number) - (b[3 * v + axis] as number))),
    ),
  )
}

/** Mean gap of pairs of vertices over the distance of the outer eye corners. */
export function opening(vertices: ArrayLike<number>, pairs: readonly (readonly [number, number])[]): number {
  const distance = (a: number, b: number): number =>
    Math.hypot(
      (vertices[3 * a] as number) - (vertices[3 * b] as number),
      (vertices[3 * a + 1] as number) - (vertices[3 * b + 1] as number),
    )
  return mean(pairs.map(([a, b]) => distance(a, b))) / distance(33, 263)
}

/** Frames by which a signal may come late or early. */
const MAX_LAG = 3

/**
 * Frames that `late` comes after `signal`: where their correlation is highest, between frames by the parabola through the three
 * values about it.
 */
export function lagOf(signal: readonly number[], late: readonly number[]): number {
  const lags = Array.from({ length: 2 * MAX_LAG + 1 }, (_, i) => i - MAX_LAG)
  const correlations = lags.map((lag) => {
    const from = signal.slice(MAX_LAG, signal.length - MAX_LAG)
    const to = late.slice(MAX_LAG + lag, late.length - MAX_LAG + lag)
    return correlation(from, to)
  })
  const best = correlations.indexOf(Math.max(...correlations))
  const [before, at, after] = [correlations[best - 1], correlations[best], correlations[best + 1]]
  if (before === undefined || at === undefined || after === undefined) return lags[best] as number
  return (lags[best] as number) + (0.5 * (before - after)) / (before - 2 * at + after)
}

/** Pearson's correlation. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)]
  const product = (p: readonly number[], q: readonly number[], mp: number, mq: number) =>
    mean(p.map((value, i) => (value - mp) * ((q[i] as number) - mq)))
  return product(a, b, meanA, meanB) / Math.sqrt(product(a, a, meanA, meanA) * product(b, b, meanB, meanB))
}

/** Share of the truth that is found: least squares through zero, so that large changes count. */
export function slope(found: readonly number[], truth: readonly number[]): number {
  const product = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)
  return product(found, truth) / product(truth, truth)
}
