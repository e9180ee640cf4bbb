import { elementsOf, scaleName, type TensorEntry } from './format.js'

/**
 * Weights of 8 bits: an I8 tensor `x` of whole numbers and a float tensor `x.scale` of as many dimensions, each of them 1 or that
 * of `x`. A value is the whole number times the scale of its place. Mostly there is one scale an output channel.
 */

/** The scales that a file's I8 tensors are to be multiplied by, which are no tensors of the network. */
export function scaleTensors(entries: readonly TensorEntry[]): ReadonlySet<string> {
  return new Set(entries.filter(({ dtype }) => dtype === 'I8').map(({ name }) => scaleName(name)))
}

/** What is wrong with the scales of a file's I8 tensors; undefined: nothing. */
export function scaleMisfit(entries: readonly TensorEntry[]): string | undefined {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  for (const { name, dtype, shape } of entries) {
    if (dtype !== 'I8') continue
    const scale = byName.get(scaleName(name))
    if (scale === undefined) return `tensor "${name}" is I8 and has no scales, tensor "${scaleName(name)}"`
    const isFloat = scale.dtype === 'F32' || scale.dtype === 'F16'
    if (!isFloat) return `tensor "${scale.name}" holds scales in ${scale.dtype}; they are F32 or F16`
    const isFit =
      scale.shape.length === shape.length && scale.shape.every((size, i) => size === 1 || size === shape[i])
    if (isFit) continue
    return `tensor "${scale.name}" has shape [${scale.shape}]; scales of [${shape}] have as many dimensions, each 1 or the same`
  }
  return undefined
}

/**
 * Values of an I8 tensor.
 * @param shape of `whole`
 * @param scaleShape of `scales`, as `scaleMisfit` wants it
 */
export function scaled(
  whole: Int8Array,
  shape: readonly number[],
  scales: Float32Array,
  scaleShape: readonly number[],
): Float32Array {
  const values = new Float32Array(whole.length)
  // By runs of equal scale: those of the dimensions behind the last one that has scales of its own.
  const last = scaleShape.findLastIndex((size) => size > 1)
  const run = elementsOf(shape.slice(last + 1))
  const outer = shape.slice(0, last + 1)
  for (let begin = 0, i = 0; begin < values.length; begin += run, i++) {
    const scale = scales[scaleIndex(i, outer, scaleShape)] as number
    for (let k = begin; k < begin + run; k++) values[k] = (whole[k] as number) * scale
  }
  return values
}

/** Index of the scale for the `index`th place of the outer dimensions. */
function scaleIndex(index: number, outer: readonly number[], scaleShape: readonly number[]): number {
  let rest = index
  let stride = 1
  let at = 0
  for (let axis = outer.length - 1; axis >= 0; axis--) {
    const size = outer[axis] as number
    const own = scaleShape[axis] as number
    if (own > 1) at += (rest % size) * stride
    stride *= own
    rest = Math.floor(rest / size)
  }
  return at
}
