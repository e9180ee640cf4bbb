import type { RefTensor } from '../cases/case.js'

/** Rows and columns of zeros: top, right, bottom, left. */
export type Sides = readonly [number, number, number, number]

function zeros(n: number, h: number, w: number, c: number): RefTensor & { data: Float64Array } {
  return { n, h, w, c, data: new Float64Array(n * h * w * c) }
}

/** A copy with zeros around it. */
export function padded(x: RefTensor, [top, right, bottom, left]: Sides): RefTensor {
  const y = zeros(x.n, x.h + top + bottom, x.w + left + right, x.c)
  for (let n = 0; n < x.n; n++) {
    for (let row = 0; row < x.h; row++) {
      const from = (n * x.h + row) * x.w * x.c
      y.data.set(x.data.subarray(from, from + x.w * x.c), ((n * y.h + row + top) * y.w + left) * y.c)
    }
  }
  return y
}

/** Padding of TensorFlow's SAME for one axis: before, after. */
export function samePadding(size: number, kernel: number, stride: number): [number, number] {
  const remainder = size % stride === 0 ? stride : size % stride
  const total = Math.max(kernel - remainder, 0)
  return [total >> 1, total - (total >> 1)]
}

/**
 * Grouped cross-correlation, weights [outputs][inputs / groups][kh][kw].
 * @param groups 1: an ordinary convolution; channels of x: depthwise
 */
export function convolve(
  x: RefTensor,
  weights: Float64Array,
  bias: Float64Array | undefined,
  options: {
    outputs: number
    kernel: readonly [number, number]
    stride: readonly [number, number]
    padding: Sides
    groups?: number
  },
): RefTensor {
  const { outputs, kernel, stride, groups = 1 } = options
  const source = padded(x, options.padding)
  const y = zeros(
    x.n,
    Math.floor((source.h - kernel[0]) / stride[0]) + 1,
    Math.floor((source.w - kernel[1]) / stride[1]) + 1,
    outputs,
  )
  const inputs = x.c / groups
  for (let i = 0; i < y.data.length; i++) {
    const o = i % outputs
    const column = Math.floor(i / outputs) % y.w
    const row = Math.floor(i / (outputs * y.w)) % y.h
    const n = Math.floor(i / (outputs * y.w * y.h))
    const firstInput = Math.floor(o / (outputs / groups)) * inputs
    let sum = bias?.[o] ?? 0
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const pixel = (n * source.h + row * stride[0] + ky) * source.w + column * stride[1] + kx
        for (let c = 0; c < inputs; c++) {
          const weight = weights[((o * inputs + c) * kernel[0] + ky) * kernel[1] + kx] ?? Number.NaN
          sum += weight * (source.data[pixel * x.c + firstInput + c] ?? Number.NaN)
        }
      }
    }
    y.data[i] = sum
  }
  return y
}

/**
 * Transposed convolution by scattering every input pixel, weights [inputs][outputs][kh][kw]; `padding` rows and
 * columns are cut off at the start, and the result is cut or zero-extended (before the bias) to `height` x `width`.
 */
export function convolveTransposed(
  x: RefTensor,
  weights: Float64Array,
  bias: Float64Array | undefined,
  options: {
    outputs: number
    kernel: readonly [number, number]
    stride: readonly [number, number]
    padding: readonly [number, number]
    height: number
    width: number
  },
): RefTensor {
  const { outputs, kernel, stride, padding, height, width } = options
  const y = zeros(x.n, height, width, outputs)
  for (let i = 0; i < y.data.length; i++) y.data[i] = bias?.[i % outputs] ?? 0
  for (let n = 0; n < x.n; n++) {
    for (let row = 0; row < x.h; row++) {
      for (let column = 0; column < x.w; column++) {
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const outRow = row * stride[0] + ky - padding[0]
            const outColumn = column * stride[1] + kx - padding[1]
            if (outRow < 0 || outRow >= height || outColumn < 0 || outColumn >= width) continue
            for (let c = 0; c < x.c; c++) {
              const value = x.data[((n * x.h + row) * x.w + column) * x.c + c] ?? Number.NaN
              for (let o = 0; o < outputs; o++) {
                const weight = weights[((c * outputs + o) * kernel[0] + ky) * kernel[1] + kx] ?? Number.NaN
                const at = ((n * height + outRow) * width + outColumn) * outputs + o
                y.data[at] = (y.data[at] ?? 0) + value * weight
              }
            }
          }
        }
      }
    }
  }
  return y
}
