import { at } from '../geometry/array.js'

/** What a picture shows where the person stood: filled in from around, coarse far from what is known. */

interface Level {
  readonly width: number
  readonly height: number
  /** Colour times weight, weight. */
  readonly data: Float32Array
}

/**
 * Fills a hole in a picture from its rim by a pyramid (pull and push, Gortler et al. 1996).
 * @param image h*w*3
 * @param hole h*w; not 0 where the picture is not known
 * @returns h*w*3, the picture's own values off the hole
 */
export function fillHole(image: Float32Array, hole: Uint8Array, width: number, height: number): Float32Array {
  const levels: Level[] = [weighted(image, hole, width, height)]
  for (
    let top = levels[0] as Level;
    Math.max(top.width, top.height) > 1;
    top = levels[levels.length - 1] as Level
  ) {
    levels.push(halve(top))
  }
  for (let i = levels.length - 2; i >= 0; i--) pushInto(levels[i] as Level, levels[i + 1] as Level)
  const { data } = levels[0] as Level
  const out = image.slice()
  for (let i = 0; i < hole.length; i++) {
    if (hole[i] !== 0) for (let c = 0; c < 3; c++) out[3 * i + c] = data[4 * i + c] as number
  }
  return out
}

function weighted(image: Float32Array, hole: Uint8Array, width: number, height: number): Level {
  const data = new Float32Array(width * height * 4)
  for (let i = 0; i < hole.length; i++) {
    if (hole[i] !== 0) continue
    data.set([at(image, 3 * i), at(image, 3 * i + 1), at(image, 3 * i + 2), 1], 4 * i)
  }
  return { width, height, data }
}

function halve({ width, height, data }: Level): Level {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)]
  const out = new Float32Array(w * h * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = 4 * (y * width + x)
      const to = 4 * ((y >> 1) * w + (x >> 1))
      for (let c = 0; c < 4; c++) out[to + c] = (out[to + c] as number) + (data[from + c] as number)
    }
  }
  // A cell that knows something knows all of it: weights do not thin out upwards.
  for (let i = 0; i < out.length; i += 4) {
    const weight = out[i + 3] as number
    if (weight > 1) for (let c = 0; c < 4; c++) out[i + c] = (out[i + c] as number) / weight
  }
  return { width: w, height: h, data: out }
}

/** Fills what a level lacks from the coarser one, bilinearly. */
function pushInto(level: Level, coarse: Level): void {
  const { width, height, data } = level
  for (let y = 0; y < height; y++) {
    const py = Math.max(0, Math.min(coarse.height - 1, (y + 0.5) / 2 - 0.5))
    const top = Math.floor(py)
    const bottom = Math.min(top + 1, coarse.height - 1)
    for (let x = 0; x < width; x++) {
      const i = 4 * (y * width + x)
      const lack = 1 - (data[i + 3] as number)
      if (lack <= 0) continue
      const px = Math.max(0, Math.min(coarse.width - 1, (x + 0.5) / 2 - 0.5))
      const left = Math.floor(px)
      const right = Math.min(left + 1, coarse.width - 1)
      const [fx, fy] = [px - left, py - top]
      const corners = [
        [top, left, (1 - fy) * (1 - fx)],
        [top, right, (1 - fy) * fx],
        [bottom, left, fy * (1 - fx)],
        [bottom, right, fy * fx],
      ] as const
      for (let c = 0; c < 4; c++) {
        let sum = 0
        for (const [row, column, weight] of corners) {
          sum += weight * (coarse.data[4 * (row * coarse.width + column) + c] as number)
        }
        data[i + c] = (data[i + c] as number) + lack * sum
      }
    }
  }
}

/** The hole with all within `reach` px of it (square). */
export function grown(hole: Uint8Array, width: number, height: number, reach: number): Uint8Array {
  const rows = new Uint8Array(hole.length)
  const out = new Uint8Array(hole.length)
  spread(hole, rows, width, height, 1, width, reach)
  spread(rows, out, height, width, width, 1, reach)
  return out
}

/** Along one axis: distance to the last marked pixel from either side. */
function spread(
  from: Uint8Array,
  to: Uint8Array,
  count: number,
  lines: number,
  step: number,
  stride: number,
  reach: number,
): void {
  for (let line = 0; line < lines; line++) {
    for (const direction of [1, -1]) {
      let since = reach + 1
      for (let k = 0; k < count; k++) {
        const i = line * stride + (direction > 0 ? k : count - 1 - k) * step
        since = from[i] !== 0 ? 0 : since + 1
        if (since <= reach) to[i] = 1
      }
    }
  }
}
