import { at } from '../geometry/array.js'
import { medianInPlace } from '../geometry/median.js'
import { type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { EYES, LIPS } from './face-parts.js'
import { placesOnMesh } from './mesh-places.js'

/**
 * How light and shade on a face change as it moves: folds beside a smile, a frown, cheeks that turn to the lamp. Motion alone does
 * not show them. After Liu, Shan and Zhang, "Expressive expression mapping with ratio images" (SIGGRAPH 2001), coarse enough that
 * neither features nor noise are carried along.
 */

/** Side of a cell over which colours are averaged, template px, and the spread of what smooths cells, cells. */
const CELL = 4
const SPREAD = 1.4
const SIDE = TEMPLATE_SIZE / CELL
/** Grey levels added to both sides of a ratio: dark pixels have noise in place of shade. */
const FLOOR = 8
/** Logarithm of the largest gain: beyond it is something else than light, hair or a hand. */
const LARGEST = 0.35

/** Logarithm of a gain, against the median of the face, beyond which something else than light is seen: of brightness, and of a colour beside it. Six people who talk have 0.36 and 0.18 at most. */
const FOREIGN = { brightness: 0.5, colour: 0.25 } as const

/** The skin of a reference, in its registered frame. */
export interface SkinReference {
  /** 468x3, template px. */
  readonly mesh: ArrayLike<number>
  /** By pixel; 0 where no skin is, and on lips and lids, which themselves move. */
  readonly skin: Uint8Array
  /** By cell: sum of the colour of skin pixels, and how many there are. */
  readonly sums: Float64Array
}

/**
 * @param registered 224x224
 * @param mask 224x224; not 0 on the face
 * @param mesh 468x3, template px
 * @param triangles Tx3
 */
export function skinReference(
  registered: Rgba,
  mask: ArrayLike<number>,
  mesh: ArrayLike<number>,
  triangles: ArrayLike<number>,
): SkinReference {
  const moving = new Set([...LIPS, ...EYES[0].rim, ...EYES[1].rim])
  const touching: number[] = []
  for (let i = 0; i < triangles.length; i += 3) {
    const corners = [0, 1, 2].map((k) => at(triangles, i + k))
    if (corners.some((corner) => moving.has(corner))) touching.push(...corners)
  }
  // Pixel centres are at + 0.5.
  const shifted = Float64Array.from(mesh, (value, k) => (k % 3 < 2 ? value - 0.5 : value))
  const places = placesOnMesh(shifted, touching, TEMPLATE_SIZE, TEMPLATE_SIZE, 1)
  const skin = Uint8Array.from(places, (place, i) => (place === undefined && at(mask, i) !== 0 ? 1 : 0))
  return { mesh, skin, sums: cellSums(registered, skin) }
}

/** Natural logarithms of gains of red, green and blue against a reference. */
export interface SkinLight {
  /** On each vertex, 468x3; 0 where there is no skin. */
  readonly light: Float32Array
  /** What all of the skin has in common, the camera's exposure; not in `light`. */
  readonly exposure: readonly [number, number, number]
}

/**
 * Light on the skin against the reference.
 * @param warped the other frame, brought back to the reference by the flow; 224x224
 */
export function skinLight({ mesh, skin, sums }: SkinReference, warped: Rgba): SkinLight {
  const now = cellSums(warped, skin)
  const cells = new Float64Array(now.length)
  const mean = [0, 0, 0]
  let total = 0
  const lit = cellGains(now, sums)
  const isSplit = ![...lit.values()].some(({ isUsual }) => isUsual)
  for (const [i, { gains, isUsual }] of lit) {
    const count = at(sums, i + 3)
    const counted = isUsual || isSplit ? count : 0
    total += counted
    for (let c = 0; c < 3; c++) {
      const ratio = at(gains, c)
      cells[i + c] = count * ratio
      mean[c] = at(mean, c) + counted * ratio
    }
    cells[i + 3] = count
  }
  const smooth = smoothed(smoothed(cells, 4, 4 * SIDE), 4 * SIDE, 4)
  const out = new Float32Array(mesh.length)
  const cell = [0, 0, 0, 0]
  for (let v = 0; v < mesh.length / 3; v++) {
    lookUp(cell, smooth, at(mesh, 3 * v) / CELL - 0.5, at(mesh, 3 * v + 1) / CELL - 0.5)
    if (at(cell, 3) < 1e-3) continue
    for (let c = 0; c < 3; c++) {
      const value = at(cell, c) / at(cell, 3) - at(mean, c) / total
      out[3 * v + c] = Math.max(-LARGEST, Math.min(LARGEST, value))
    }
  }
  const exposure = mean.map((sum) => (total > 0 ? sum / total : 0)) as [number, number, number]
  return { light: out, exposure }
}

interface CellGain {
  /** Natural logarithms, of red, green and blue. */
  readonly gains: readonly [number, number, number]
  /** Whether it is lit much as the others. */
  readonly isUsual: boolean
}

/**
 * Of the cells that show skin, by index. What comes before a face has a colour of its own, which would be laid on the skin: such cells are left out. The exposure is the mean of those that are lit as
 * most are: else what covers a part changes all that is free.
 */
function cellGains(now: Float64Array, sums: Float64Array): Map<number, CellGain> {
  const all = new Map<number, [number, number, number]>()
  for (let i = 0; i < sums.length; i += 4) {
    const count = at(sums, i + 3)
    if (count === 0) continue
    const gain = (c: number) => Math.log((at(now, i + c) + FLOOR * count) / (at(sums, i + c) + FLOOR * count))
    all.set(i, [gain(0), gain(1), gain(2)])
  }
  if (all.size === 0) return new Map()
  const usual = [0, 1, 2].map((c) =>
    medianInPlace(
      Float64Array.from(all.values(), (gains) => at(gains, c)),
      (value) => value,
    ),
  )
  const cells = new Map<number, CellGain>()
  for (const [i, gains] of all) {
    const off = gains.map((value, c) => value - at(usual, c))
    const brightness = (at(off, 0) + at(off, 1) + at(off, 2)) / 3
    if (off.some((value) => Math.abs(value - brightness) > FOREIGN.colour)) continue
    cells.set(i, { gains, isUsual: Math.abs(brightness) <= FOREIGN.brightness })
  }
  return cells
}

function cellSums({ data }: Rgba, skin: Uint8Array): Float64Array {
  const sums = new Float64Array(SIDE * SIDE * 4)
  for (let i = 0; i < skin.length; i++) {
    if (skin[i] === 0) continue
    const [x, y] = [i % TEMPLATE_SIZE, Math.floor(i / TEMPLATE_SIZE)]
    const to = 4 * (Math.floor(y / CELL) * SIDE + Math.floor(x / CELL))
    for (let c = 0; c < 3; c++) sums[to + c] = at(sums, to + c) + at(data, 4 * i + c)
    sums[to + 3] = at(sums, to + 3) + 1
  }
  return sums
}

const WEIGHTS = Array.from({ length: 2 * Math.ceil(3 * SPREAD) + 1 }, (_, k) => {
  return Math.exp(-0.5 * ((k - Math.ceil(3 * SPREAD)) / SPREAD) ** 2)
})

/** Gaussian along one axis; weights are not brought to 1, the fourth channel goes the same way. */
function smoothed(cells: Float64Array, step: number, stride: number): Float64Array {
  const out = new Float64Array(cells.length)
  const reach = (WEIGHTS.length - 1) / 2
  for (let line = 0; line < SIDE; line++) {
    for (let k = 0; k < SIDE; k++) {
      const to = line * stride + k * step
      for (let j = Math.max(0, k - reach); j <= Math.min(SIDE - 1, k + reach); j++) {
        const weight = at(WEIGHTS, j - k + reach)
        const from = line * stride + j * step
        for (let c = 0; c < 4; c++) out[to + c] = at(out, to + c) + weight * at(cells, from + c)
      }
    }
  }
  return out
}

function lookUp(out: number[], cells: Float64Array, x: number, y: number): void {
  const px = Math.max(0, Math.min(SIDE - 1.001, x))
  const py = Math.max(0, Math.min(SIDE - 1.001, y))
  const [left, top] = [Math.floor(px), Math.floor(py)]
  const [fx, fy] = [px - left, py - top]
  const corner = 4 * (top * SIDE + left)
  for (let c = 0; c < 4; c++) {
    const above = (1 - fx) * at(cells, corner + c) + fx * at(cells, corner + 4 + c)
    const below = (1 - fx) * at(cells, corner + 4 * SIDE + c) + fx * at(cells, corner + 4 * SIDE + 4 + c)
    out[c] = (1 - fy) * above + fy * below
  }
}
