import { interocularDistance, type Rgba, TEMPLATE_SIZE } from '../src/index.js'

/** What can be said of flows without a true one. Fields are 224x224; means are over `innerMask`. */

const N = TEMPLATE_SIZE
/** Landmarks of the jaw lie at the rim of the mesh, where no flow may be. */
const FIRST_INNER_LANDMARK = 17
const BLUR_RADIUS = 3

/** The mask without what is within two pixels of its rim: 5x5 erosion, nothing taken at the frame's border. */
export function innerMask(mask: Uint8Array): Uint8Array {
  return mask.map((_, i) => {
    const [x, y] = [i % N, Math.floor(i / N)]
    for (let v = Math.max(0, y - 2); v <= Math.min(N - 1, y + 2); v++) {
      for (let u = Math.max(0, x - 2); u <= Math.min(N - 1, x + 2); u++) if (mask[v * N + u] === 0) return 0
    }
    return 1
  })
}

/** Bilinear sample of `channels` numbers at (x, y), pixel centres at whole numbers; zero outside. */
function sample(field: ArrayLike<number>, channels: number, x: number, y: number): number[] {
  const [left, top] = [Math.floor(x), Math.floor(y)]
  const out = new Array<number>(channels).fill(0)
  for (const v of [top, top + 1]) {
    for (const u of [left, left + 1]) {
      if (u < 0 || v < 0 || u >= N || v >= N) continue
      const weight = (1 - Math.abs(x - u)) * (1 - Math.abs(y - v))
      for (let c = 0; c < channels; c++) {
        out[c] = (out[c] as number) + weight * (field[(v * N + u) * channels + c] as number)
      }
    }
  }
  return out
}

const KERNEL = gaussian()

function gaussian(): number[] {
  const weights = Array.from({ length: 2 * BLUR_RADIUS + 1 }, (_, i) =>
    Math.exp(-((i - BLUR_RADIUS) ** 2) / 2),
  )
  const total = weights.reduce((sum, w) => sum + w, 0)
  return weights.map((w) => w / total)
}

/** RGB of an image after a Gaussian of 1 px, borders mirrored. */
function smoothed({ data }: Rgba): Float32Array {
  const rgb = new Float32Array(3 * N * N)
  for (let i = 0; i < rgb.length; i++) rgb[i] = data[4 * Math.floor(i / 3) + (i % 3)] as number
  return blurred(blurred(rgb, 3, 3 * N), 3 * N, 3)
}

/** One direction of the blur: along steps of `step` numbers, for each line that starts at a multiple of `across`. */
function blurred(source: Float32Array, step: number, across: number): Float32Array {
  const out = new Float32Array(source.length)
  for (let line = 0; line < N; line++) {
    for (let k = 0; k < N; k++) {
      for (let j = -BLUR_RADIUS; j <= BLUR_RADIUS; j++) {
        const near = Math.abs(k + j)
        const mirrored = near < N ? near : 2 * N - 2 - near
        const weight = KERNEL[j + BLUR_RADIUS] as number
        const [from, to] = [line * across + mirrored * step, line * across + k * step]
        for (let c = 0; c < 3; c++) {
          out[to + c] = (out[to + c] as number) + weight * (source[from + c] as number)
        }
      }
    }
  }
  return out
}

/**
 * Mean |A - B moved back| in grey levels, both lightly smoothed, after the best common gain and offset of each channel
 * (light changes in real videos).
 */
export function photometricError(a: Rgba, b: Rgba, flow: ArrayLike<number>, inner: Uint8Array): number {
  const [imageA, imageB] = [smoothed(a), smoothed(b)]
  const colours: [number[], number[]][] = [
    [[], []],
    [[], []],
    [[], []],
  ]
  inner.forEach((inside, i) => {
    if (inside === 0) return
    const moved = sample(
      imageB,
      3,
      (i % N) + (flow[3 * i] as number),
      Math.floor(i / N) + (flow[3 * i + 1] as number),
    )
    colours.forEach(([of, back], c) => {
      of.push(imageA[3 * i + c] as number)
      back.push(moved[c] as number)
    })
  })
  return mean(
    colours.map(([of, back]) => {
      const [ofMean, backMean] = [mean(of), mean(back)]
      const gain = spread(of, ofMean) / (spread(back, backMean) + 1e-3)
      return mean(of.map((v, k) => Math.abs(v - ofMean - gain * ((back[k] as number) - backMean))))
    }),
  )
}

/** Mean |F(p) + B(p + F)| in the plane, template px. */
export function forwardBackwardError(
  forward: ArrayLike<number>,
  backward: ArrayLike<number>,
  inner: Uint8Array,
): number {
  return meanOver(inner, (i) => {
    const [dx, dy] = [forward[3 * i] as number, forward[3 * i + 1] as number]
    const [bx = 0, by = 0] = sample(backward, 3, (i % N) + dx, Math.floor(i / N) + dy)
    return Math.hypot(dx + bx, dy + by)
  })
}

/** Mean distance of the landmarks of A, moved by the flow, from those of B, by the interocular distance of B. */
export function landmarkTransferError(
  flow: ArrayLike<number>,
  inner: Uint8Array,
  landmarksA: readonly number[],
  landmarksB: readonly number[],
): number {
  const distances: number[] = []
  for (let i = FIRST_INNER_LANDMARK; i < 68; i++) {
    const [x, y] = [landmarksA[2 * i] as number, landmarksA[2 * i + 1] as number]
    // Landmarks and template px have pixel centres at + 0.5.
    if (inner[Math.floor(y) * N + Math.floor(x)] !== 1) continue
    const [dx = 0, dy = 0] = sample(flow, 3, x - 0.5, y - 0.5)
    distances.push(
      Math.hypot(x + dx - (landmarksB[2 * i] as number), y + dy - (landmarksB[2 * i + 1] as number)),
    )
  }
  return mean(distances) / interocularDistance(Float32Array.from(landmarksB))
}

/**
 * Mean |F(t + 1) - 2 F(t) + F(t - 1)| in the plane over the flows from a sequence's first frame to the others, template
 * px: what trembles from frame to frame, and what the face itself speeds up. `affine` is the same of the affine motion
 * nearest to these vectors: the acceleration of the head and of its registration, which a flow without any tremble has too.
 */
export function temporalJitter(
  flows: readonly ArrayLike<number>[],
  inner: Uint8Array,
): { readonly all: number; readonly affine: number } {
  const still = new Float32Array(3 * N * N)
  const path = [still, ...flows]
  const steps = path.slice(2).map((next, t) => {
    const [before, now] = [path[t] as ArrayLike<number>, path[t + 1] as ArrayLike<number>]
    const second = new Float32Array(3 * N * N)
    for (let i = 0; i < second.length; i++) {
      second[i] = (next[i] as number) - 2 * (now[i] as number) + (before[i] as number)
    }
    const [dx, dy] = [affineFit(second, 0, inner), affineFit(second, 1, inner)]
    return {
      all: meanOver(inner, (i) => Math.hypot(second[3 * i] as number, second[3 * i + 1] as number)),
      affine: meanOver(inner, (i) => Math.hypot(dx(i), dy(i))),
    }
  })
  return { all: mean(steps.map(({ all }) => all)), affine: mean(steps.map(({ affine }) => affine)) }
}

/** Least-squares fit of a + b x + c y to a channel of a field: its value at a pixel. */
function affineFit(field: ArrayLike<number>, channel: number, inner: Uint8Array): (i: number) => number {
  const [x, y] = [(i: number) => i % N, (i: number) => Math.floor(i / N)]
  const value = (i: number) => field[3 * i + channel] as number
  const centre = { x: meanOver(inner, x), y: meanOver(inner, y), value: meanOver(inner, value) }
  const product = (u: (i: number) => number, v: (i: number) => number) => meanOver(inner, (i) => u(i) * v(i))
  const [u, v] = [(i: number) => x(i) - centre.x, (i: number) => y(i) - centre.y]
  const [uu, uv, vv] = [product(u, u), product(u, v), product(v, v)]
  const [ut, vt] = [product(u, value), product(v, value)]
  const determinant = uu * vv - uv * uv
  const [b, c] = [(vv * ut - uv * vt) / determinant, (uu * vt - uv * ut) / determinant]
  return (i) => centre.value + b * u(i) + c * v(i)
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function spread(values: readonly number[], centre: number): number {
  return Math.sqrt(mean(values.map((v) => (v - centre) ** 2)))
}

function meanOver(inner: Uint8Array, of: (i: number) => number): number {
  const values: number[] = []
  inner.forEach((inside, i) => {
    if (inside !== 0) values.push(of(i))
  })
  return mean(values)
}
