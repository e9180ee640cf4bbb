/** `fitRigidRobust` as its description reads: every residual of every sample, medians by sorting. */

import { eulerAngles } from '../../src/geometry/rotation.js'
import { applySimilarity3, fitSimilarity3 } from '../../src/geometry/similarity3.js'
import type { Similarity3 } from '../../src/geometry/types.js'
import type { RigidMotion } from '../../src/products/rigid-motion.js'

export function referenceRigidMotion(source: readonly number[], target: readonly number[]): RigidMotion {
  const n = source.length / 3
  const residual = (s: Similarity3, i: number) => {
    const [x, y, z] = applySimilarity3(s, ...point(source, i))
    const [u, v, w] = point(target, i)
    return Math.hypot(x - u, y - v, z - w)
  }
  const all = (s: Similarity3) => Array.from({ length: n }, (_, i) => residual(s, i))

  let fit = fitSimilarity3(source, target)
  let state = 1
  for (let sample = 0; sample < 80; sample++) {
    const drawn = Array.from({ length: 5 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * n)
    })
    if (new Set(drawn).size === 1) continue
    const tried = fitSimilarity3(
      drawn.flatMap((i) => point(source, i)),
      drawn.flatMap((i) => point(target, i)),
    )
    if (median(all(tried)) < median(all(fit))) fit = tried
  }

  let weights: number[] = []
  let previous = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < 30; iteration++) {
    const residuals = all(fit)
    const sigma = Math.max(0.15, 1.4826 * median(residuals))
    weights = residuals.map((r) => ((2 * sigma) ** 2 / ((2 * sigma) ** 2 + r * r)) ** 2)
    fit = fitSimilarity3(source, target, weights)
    if (Math.abs(previous - sigma) < 1e-6 * sigma) break
    previous = sigma
  }
  const inliers = all(fit).filter((_, i) => (weights[i] as number) > 0.5)
  return {
    ...fit,
    angles: eulerAngles(fit.rotation),
    inliers: inliers.length / n,
    residual: Math.sqrt(inliers.reduce((sum, r) => sum + r * r, 0) / inliers.length),
  }
}

function point(values: readonly number[], i: number): [number, number, number] {
  return values.slice(3 * i, 3 * i + 3) as [number, number, number]
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}
