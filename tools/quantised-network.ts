import { scaleName } from '../src/weights/format.js'
import type { TensorToWrite } from '../src/weights/safetensors.js'
import type { WeightFile } from '../src/weights/weight-file.js'

/** Largest whole number that is used: as many below zero as above. */
const LARGEST = 127

/**
 * A network's tensors with weights of 8 bits, each slice along one axis with a scale of its own. Tensors of one dimension (biases,
 * slopes) and depthwise kernels stay f16: they are a hundredth of a file, and a channel hangs on few of their values.
 * @returns tensors in the file's order, each I8 one followed by its scales
 */
export function quantisedNetwork(file: WeightFile): TensorToWrite[] {
  return file.entries().flatMap(({ name, shape }): TensorToWrite[] => {
    const values = file.tensor(name, shape)
    if (shape.length < 2 || shape[1] === 1) return [{ name, dtype: 'F16', shape, values }]
    // Output channels are the first axis but in transposed convolutions; the nearer of both is taken.
    const [first, second] = [quantisedAlong(0, shape, values), quantisedAlong(1, shape, values)]
    const { whole, scales, scaleShape } = second.error < first.error ? second : first
    return [
      { name, dtype: 'I8', shape, values: whole },
      { name: scaleName(name), dtype: 'F32', shape: scaleShape, values: scales },
    ]
  })
}

interface Quantised {
  readonly whole: Int8Array
  readonly scales: Float32Array
  readonly scaleShape: readonly number[]
  /** Sum of squares. */
  readonly error: number
}

function quantisedAlong(axis: 0 | 1, shape: readonly number[], values: Float32Array): Quantised {
  const slices = shape[axis] as number
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1)
  const sliceOf = (i: number): number => Math.floor(i / inner) % slices
  const largest = new Float32Array(slices)
  values.forEach((value, i) => {
    largest[sliceOf(i)] = Math.max(largest[sliceOf(i)] as number, Math.abs(value))
  })
  const scales = largest.map((value) => (value > 0 ? value / LARGEST : 1))
  const whole = new Int8Array(values.length)
  let error = 0
  values.forEach((value, i) => {
    const scale = scales[sliceOf(i)] as number
    whole[i] = Math.round(value / scale)
    error += (value - (whole[i] as number) * scale) ** 2
  })
  return { whole, scales, scaleShape: shape.map((_, k) => (k === axis ? slices : 1)), error }
}
