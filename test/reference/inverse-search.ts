import { INVERSE_SEARCH, type InverseSearchAttrs } from '../../src/ops/flow/inverse-search.js'
import { floatToHalf, halvesToFloats } from '../../src/weights/float16.js'
import type { RefTensor } from '../cases/case.js'
import { elementOf, refTensor } from './dense.js'
import { sampleReference } from './warp.js'

type Pair = readonly [number, number]
/** Symmetric 2x2: xx, xy, yy. */
type Symmetric = readonly [number, number, number]

interface Patch {
  readonly column: number
  readonly row: number
  readonly pixels: readonly { readonly x: number; readonly y: number }[]
  displacement: Pair
  matrix: Symmetric
  right: Pair
  trust: number
}

const C = INVERSE_SEARCH
const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)

/** One batch entry at a time, straight from the definition: lists of pixels, two-pass means. */
export function inverseSearchReference(
  flow: RefTensor,
  source: RefTensor,
  target: RefTensor,
  fragments: RefTensor,
  attrs: InverseSearchAttrs,
): RefTensor {
  const greyMap = (image: RefTensor) =>
    refTensor(image.n, image.h, image.w, 1, (n, y, x) =>
      attrs.grey.reduce((sum, weight, c) => sum + weight * elementOf(image, n, y, x, c), 0),
    )
  const [a, b] = [greyMap(source), greyMap(target)]
  const entries = Array.from({ length: flow.n }, (_, n) => {
    const grid = makePatches(flow, fragments, n)
    for (let round = 0; round < attrs.rounds; round++) {
      for (const patch of grid.flat()) matchPatch(patch, a, b, flow, n)
      for (let i = 0; i < attrs.smoothings; i++) smooth(grid)
    }
    return grid
  })
  return refTensor(flow.n, flow.h, flow.w, 3, (n, y, x, c) => {
    const before = elementOf(flow, n, y, x, c)
    const grid = entries[n]
    const moves = c < 2 && elementOf(fragments, n, y, x, 3) >= 0
    return moves && grid !== undefined ? before + (interpolated(grid, y, x)[c] ?? 0) : before
  })
}

function makePatches(flow: RefTensor, fragments: RefTensor, n: number): Patch[][] {
  const rows = Math.floor((flow.h - C.patch) / C.stride) + 1
  const columns = Math.floor((flow.w - C.patch) / C.stride) + 1
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => {
      const pixels = Array.from({ length: C.patch ** 2 }, (___, i) => ({
        x: column * C.stride + (i % C.patch),
        y: row * C.stride + Math.floor(i / C.patch),
      })).filter(({ x, y }) => elementOf(fragments, n, y, x, 3) >= 0)
      return {
        column,
        row,
        pixels: pixels.length >= C.leastFace * C.patch ** 2 ? pixels : [],
        displacement: [0, 0] as Pair,
        matrix: [0, 0, 0] as Symmetric,
        right: [0, 0] as Pair,
        trust: 1,
      }
    }),
  )
}

/** Half differences, one-sided at the border, as the kernel stores them: in half precision. */
function gradientAt(image: RefTensor, n: number, y: number, x: number): Pair {
  const at = (row: number, column: number) =>
    elementOf(image, n, clamp(row, 0, image.h - 1), clamp(column, 0, image.w - 1), 0)
  const halves = [(at(y, x + 1) - at(y, x - 1)) / 2, (at(y + 1, x) - at(y - 1, x)) / 2].map(floatToHalf)
  const [gx = 0, gy = 0] = halvesToFloats(Uint16Array.from(halves))
  return [gx, gy]
}

function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  return values.map((v) => v - mean)
}

const dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, x, i) => sum + x * (v[i] ?? 0), 0)

function solve2([xx, xy, yy]: Symmetric, [x, y]: Pair): Pair {
  const determinant = xx * yy - xy * xy
  return [(yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant]
}

function matchPatch(patch: Patch, a: RefTensor, b: RefTensor, flow: RefTensor, n: number): void {
  patch.matrix = [0, 0, 0]
  patch.right = [0, 0]
  const count = patch.pixels.length
  if (count === 0) return
  const grey = centred(patch.pixels.map(({ x, y }) => elementOf(a, n, y, x, 0)))
  const gradients = patch.pixels.map(({ x, y }) => gradientAt(a, n, y, x))
  const gx = centred(gradients.map(([v]) => v))
  const gy = centred(gradients.map(([, v]) => v))
  const h: Symmetric = [dot(gx, gx), dot(gx, gy), dot(gy, gy)]
  const damped: Symmetric = [h[0] + C.damping * count, h[1], h[2] + C.damping * count]
  let [dx, dy] = patch.displacement
  let mismatch = 0
  for (let step = 0; step < C.steps; step++) {
    const other = centred(
      patch.pixels.map(({ x, y }) => {
        const column = x + elementOf(flow, n, y, x, 0) + dx
        const row = y + elementOf(flow, n, y, x, 1) + dy
        return sampleReference(b, n, clamp(row, 0, b.h - 1), clamp(column, 0, b.w - 1), 0, 'clamp')
      }),
    )
    const floor = C.gainFloor * count
    const ratio = Math.sqrt((dot(grey, grey) + floor) / (dot(other, other) + floor))
    const gain = clamp(ratio, 1 / C.gainLimit, C.gainLimit)
    const difference = other.map((v, i) => gain * v - (grey[i] ?? 0))
    mismatch = dot(difference, difference) / count
    const [ux, uy] = solve2(damped, [dot(gx, difference), dot(gy, difference)])
    const shorten = Math.min(1, C.longestStep / Math.max(Math.hypot(ux, uy), 1e-6))
    dx -= ux * shorten
    dy -= uy * shorten
  }
  const near = clamp(2 - (2 * Math.hypot(dx, dy)) / C.longest, 0, 1)
  const weight = near / ((C.noise + mismatch * (1 + mismatch / C.mismatch)) * count)
  patch.matrix = [weight * h[0], weight * h[1], weight * h[2]]
  patch.right = [patch.matrix[0] * dx + patch.matrix[1] * dy, patch.matrix[1] * dx + patch.matrix[2] * dy]
  if (near > 0) patch.displacement = [dx, dy]
  patch.trust = 1 / (1 + (mismatch / C.mismatch) ** 2)
}

function smooth(grid: readonly (readonly Patch[])[]): void {
  const solutions = grid.flat().map((patch): Pair => {
    if (patch.pixels.length === 0) return [0, 0]
    const { row, column, matrix, right } = patch
    const around = [
      grid[row]?.[column - 1],
      grid[row]?.[column + 1],
      grid[row - 1]?.[column],
      grid[row + 1]?.[column],
    ]
    const facing = around.filter((other) => other !== undefined && other.pixels.length > 0) as Patch[]
    const pull = facing.length * C.smoothness + C.prior
    const sum = (k: 0 | 1) => facing.reduce((total, other) => total + C.smoothness * other.displacement[k], 0)
    return solve2([matrix[0] + pull, matrix[1], matrix[2] + pull], [right[0] + sum(0), right[1] + sum(1)])
  })
  for (const [i, patch] of grid.flat().entries()) patch.displacement = solutions[i] as Pair
}

function interpolated(grid: readonly (readonly Patch[])[], y: number, x: number): Pair {
  const at = (place: number, count: number) => clamp((place - (C.patch - 1) / 2) / C.stride, 0, count - 1)
  const row = at(y, grid.length)
  const column = at(x, grid[0]?.length ?? 0)
  let weight = 0
  let sum: Pair = [0, 0]
  for (const j of [Math.floor(row), Math.floor(row) + 1]) {
    for (const i of [Math.floor(column), Math.floor(column) + 1]) {
      const patch = grid[j]?.[i]
      if (patch === undefined || patch.pixels.length === 0) continue
      const w = (1 - Math.abs(j - row)) * (1 - Math.abs(i - column))
      weight += w
      const [dx, dy] = patch.displacement
      sum = [sum[0] + w * patch.trust * dx, sum[1] + w * patch.trust * dy]
    }
  }
  return [sum[0] / Math.max(weight, 1e-3), sum[1] / Math.max(weight, 1e-3)]
}
