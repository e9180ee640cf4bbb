import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'

/*
 * Grey levels at the vertices between two Gaussian blurs, over their spread. The narrow blur is summed at the vertices alone; the
 * wide one, which shows no detail, on a grid of half the resolution.
 */

/** Sigma of the narrow blur, template px: finer is noise of small faces. */
const FINE = 1.5
/** Spread in grey levels below which a region has no texture. */
const SPREAD_FLOOR = 4

/** The frame with two more pixels about it, as its edges go on. */
const MARGIN = 2
const SIDE = TEMPLATE_SIZE + 2 * MARGIN
/** Cells of 2x2 px along a side of the grid. */
const CELLS = SIDE / 2
/**
 * Sigma of the wide one in cells: coarser is light. With what averaging two pixels and interpolating between cells blur as well, this
 * comes nearest to 5 px cut off at 15: similarities of nine people's looks differ by 0.002 at most.
 */
const COARSE_ON_GRID = 2.465

const NARROW = gaussian(FINE)
const WIDE = gaussian(COARSE_ON_GRID)

/** Cells [left, right) x [top, bottom) of the grid. */
interface Bounds {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/**
 * Local contrast at the vertices, of mean 0.
 * @param mesh 468x3, template px
 */
export function contrastOf(registered: Rgba, mesh: Float32Array): Float64Array {
  const face = boundsOf(mesh)
  const grey = greyWithMargin(registered)
  const radius = WIDE.length - 1
  const seen = enlarged(face, 2 * radius + 1)
  const coarse = blurred(cellMeans(grey, seen), enlarged(face, radius + 1))
  const spread = blurred(squaredDifferences(grey, coarse, enlarged(face, radius)), face)
  const contrast = new Float64Array(MESH_VERTICES)
  let sum = 0
  for (let v = 0; v < MESH_VERTICES; v++) {
    const [x, y] = [pixelOf(mesh[3 * v] as number), pixelOf(mesh[3 * v + 1] as number)]
    const difference = narrowBlurAt(grey, x, y) - onGrid(coarse, x, y)
    const value = difference / (Math.sqrt(onGrid(spread, x, y)) + SPREAD_FLOOR)
    contrast[v] = value
    sum += value
  }
  return contrast.map((value) => value - sum / MESH_VERTICES)
}

/** Weights from the middle on to one side, the sum of both sides 1; as far as three sigmas. */
function gaussian(sigma: number): Float64Array {
  const weights = Float64Array.from({ length: Math.ceil(3 * sigma) + 1 }, (_, k) =>
    Math.exp(-(k ** 2) / (2 * sigma ** 2)),
  )
  const total = weights.reduce((sum, weight, k) => sum + (k === 0 ? weight : 2 * weight), 0)
  return weights.map((weight) => weight / total)
}

function greyWithMargin({ data }: Rgba): Float32Array {
  const grey = new Float32Array(SIDE * SIDE)
  for (let y = 0; y < SIDE; y++) {
    const row = TEMPLATE_SIZE * Math.min(TEMPLATE_SIZE - 1, Math.max(0, y - MARGIN))
    for (let x = 0; x < SIDE; x++) {
      const i = 4 * (row + Math.min(TEMPLATE_SIZE - 1, Math.max(0, x - MARGIN)))
      const [r, g, b] = [data[i] as number, data[i + 1] as number, data[i + 2] as number]
      grey[y * SIDE + x] = 0.299 * r + 0.587 * g + 0.114 * b
    }
  }
  return grey
}

/** Where a coordinate of the template lies among the pixels with their margin; within the frame, whose edges go on. */
function pixelOf(coordinate: number): number {
  return MARGIN + Math.min(TEMPLATE_SIZE - 1, Math.max(0, coordinate - 0.5))
}

/** The cells that values at the vertices are interpolated from. */
function boundsOf(mesh: Float32Array): Bounds {
  let [left, top, right, bottom] = [CELLS, CELLS, 0, 0]
  for (let v = 0; v < MESH_VERTICES; v++) {
    const x = pixelOf(mesh[3 * v] as number) >> 1
    const y = pixelOf(mesh[3 * v + 1] as number) >> 1
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  return enlarged({ left, top, right: right + 1, bottom: bottom + 1 }, 1)
}

function enlarged({ left, top, right, bottom }: Bounds, by: number): Bounds {
  return {
    left: Math.max(0, left - by),
    top: Math.max(0, top - by),
    right: Math.min(CELLS, right + by),
    bottom: Math.min(CELLS, bottom + by),
  }
}

function cellMeans(grey: Float32Array, { left, top, right, bottom }: Bounds): Float32Array {
  const out = new Float32Array(CELLS * CELLS)
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const i = 2 * y * SIDE + 2 * x
      const upper = (grey[i] as number) + (grey[i + 1] as number)
      out[y * CELLS + x] = (upper + (grey[i + SIDE] as number) + (grey[i + SIDE + 1] as number)) / 4
    }
  }
  return out
}

/** Squared differences of pixels and a field on the grid, in cell means. */
function squaredDifferences(
  grey: Float32Array,
  field: Float32Array,
  { left, top, right, bottom }: Bounds,
): Float32Array {
  const out = new Float32Array(CELLS * CELLS)
  for (let y = top; y < bottom; y++) {
    const [above, here, below] = [Math.max(0, y - 1), y, Math.min(CELLS - 1, y + 1)].map(
      (row) => row * CELLS,
    ) as [number, number, number]
    for (let x = left; x < right; x++) {
      const before = Math.max(0, x - 1)
      const after = Math.min(CELLS - 1, x + 1)
      const i = 2 * y * SIDE + 2 * x
      // Between cells, a quarter of the way: columns of the three rows first.
      const [l0, r0] = quarter(field, above, before, x, after)
      const [l1, r1] = quarter(field, here, before, x, after)
      const [l2, r2] = quarter(field, below, before, x, after)
      const a = (grey[i] as number) - (0.25 * l0 + 0.75 * l1)
      const b = (grey[i + 1] as number) - (0.25 * r0 + 0.75 * r1)
      const c = (grey[i + SIDE] as number) - (0.75 * l1 + 0.25 * l2)
      const d = (grey[i + SIDE + 1] as number) - (0.75 * r1 + 0.25 * r2)
      out[y * CELLS + x] = (a * a + b * b + c * c + d * d) / 4
    }
  }
  return out
}

/** A row's values at the left and the right pixel of a cell. */
function quarter(
  field: Float32Array,
  row: number,
  before: number,
  x: number,
  after: number,
): readonly [number, number] {
  const middle = 0.75 * (field[row + x] as number)
  return [middle + 0.25 * (field[row + before] as number), middle + 0.25 * (field[row + after] as number)]
}

/** The wide blur of a field on the grid within `bounds`, edges continued; 0 elsewhere. */
function blurred(field: Float32Array, bounds: Bounds): Float32Array {
  const { left, top, right, bottom } = bounds
  const radius = WIDE.length - 1
  const rows = enlarged(bounds, radius)
  const across = new Float32Array(CELLS * CELLS)
  const line = new Float64Array(CELLS + 2 * radius)
  for (let y = rows.top; y < rows.bottom; y++) {
    for (let i = left - radius; i < right + radius; i++) {
      line[i + radius] = field[y * CELLS + Math.min(CELLS - 1, Math.max(0, i))] as number
    }
    for (let x = left; x < right; x++) {
      let sum = (WIDE[0] as number) * (line[x + radius] as number)
      for (let k = 1; k <= radius; k++) {
        sum += (WIDE[k] as number) * ((line[x + radius - k] as number) + (line[x + radius + k] as number))
      }
      across[y * CELLS + x] = sum
    }
  }
  const out = new Float32Array(CELLS * CELLS)
  for (let y = top; y < bottom; y++) {
    for (let k = 0; k <= radius; k++) {
      const weight = k === 0 ? (WIDE[0] as number) / 2 : (WIDE[k] as number)
      const above = Math.max(0, y - k) * CELLS
      const below = Math.min(CELLS - 1, y + k) * CELLS
      const here = y * CELLS
      for (let x = left; x < right; x++) {
        out[here + x] =
          (out[here + x] as number) + weight * ((across[above + x] as number) + (across[below + x] as number))
      }
    }
  }
  return out
}

/** The narrow blur at a position between pixels: that of its four neighbours, interpolated. */
function narrowBlurAt(grey: Float32Array, x: number, y: number): number {
  const [i, j] = [Math.floor(x), Math.floor(y)]
  const [fx, fy] = [x - i, y - j]
  const radius = NARROW.length - 1
  const weight = (k: number, f: number): number =>
    (1 - f) * (NARROW[Math.abs(k)] ?? 0) + f * (NARROW[Math.abs(k - 1)] ?? 0)
  for (let k = -radius; k <= radius + 1; k++) {
    COLUMN_WEIGHTS[k + radius] = weight(k, fx)
  }
  let sum = 0
  for (let dy = -radius; dy <= radius + 1; dy++) {
    const row = Math.min(SIDE - 1, Math.max(0, j + dy)) * SIDE
    let across = 0
    for (let dx = -radius; dx <= radius + 1; dx++) {
      const column = Math.min(SIDE - 1, Math.max(0, i + dx))
      across += (COLUMN_WEIGHTS[dx + radius] as number) * (grey[row + column] as number)
    }
    sum += weight(dy, fy) * across
  }
  return sum
}

/** Of one call of `narrowBlurAt`. */
const COLUMN_WEIGHTS = new Float64Array(2 * NARROW.length)

/** A field on the grid at a pixel position, bilinear. */
function onGrid(field: Float32Array, x: number, y: number): number {
  const [u, v] = [(x - 0.5) / 2, (y - 0.5) / 2]
  const [i, j] = [Math.floor(u), Math.floor(v)]
  const [fx, fy] = [u - i, v - j]
  const at = j * CELLS + i
  const upper = (1 - fx) * (field[at] as number) + fx * (field[at + 1] as number)
  const lower = (1 - fx) * (field[at + CELLS] as number) + fx * (field[at + CELLS + 1] as number)
  return (1 - fy) * upper + fy * lower
}
