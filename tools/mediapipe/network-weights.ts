import { EngineError } from '../../src/errors.js'
import { halvesToFloats } from '../../src/weights/float16.js'
import { type DType, elementsOf } from '../../src/weights/format.js'
import type { TensorToWrite } from '../../src/weights/safetensors.js'
import type { TfliteModel, TfliteTensor } from '../tflite/model.js'
import type { LayerMap } from './layers.js'

const SUFFIX = { Kernel: 'weight', Bias: 'bias', Alpha: 'slope' } as const

/**
 * The float constants of a TFLite graph under our names and in our layouts: convolution OHWI -> OIHW,
 * depthwise 1HWC -> C1HW, transposed convolution of one output 1HWI -> I1HW, PReLU 11C -> C.
 * @throws EngineError INVALID_INPUT if the graph lacks a layer of the map or has a layer that the map lacks
 */
export function networkWeights(
  model: TfliteModel,
  layers: readonly LayerMap[],
  dtype: DType,
): TensorToWrite[] {
  const constants = new Map(
    model.tensors.filter((t) => t.data !== undefined && t.type !== 'I32').map((t) => [t.name, t]),
  )
  const tensors = layers.flatMap(({ layer, source, kind }) =>
    (kind === 'prelu' ? (['Alpha'] as const) : (['Kernel', 'Bias'] as const)).map((part) => {
      const constant = constants.get(`${source}/${part}`)
      if (constant === undefined) {
        throw new EngineError(
          'INVALID_INPUT',
          `the graph has no constant ${source}/${part} for layer ${layer}`,
        )
      }
      constants.delete(constant.name)
      const values = floats(constant)
      const name = `${layer}.${SUFFIX[part]}`
      if (part !== 'Kernel') return { name, dtype, shape: [values.length], values }
      const [outer = 0, h = 0, w = 0, inner = 0] = constant.shape
      return kind === 'conv'
        ? { name, dtype, shape: [outer, inner, h, w], values: channelsFirst(values, outer, h * w, inner) }
        : { name, dtype, shape: [inner, 1, h, w], values: channelsFirst(values, 1, h * w, inner) }
    }),
  )
  // Scalings of coordinates inside the attention model: part of its arithmetic, not trained.
  const left = [...constants.keys()].filter((name) => !name.startsWith('multiply_by_constant'))
  if (left.length > 0) {
    throw new EngineError('INVALID_INPUT', `the graph has constants that no layer takes: ${left.join(', ')}`)
  }
  return tensors
}

function floats(tensor: TfliteTensor): Float32Array {
  const bytes = (tensor.data ?? new Uint8Array()).slice().buffer
  const values = tensor.type === 'F16' ? halvesToFloats(new Uint16Array(bytes)) : new Float32Array(bytes)
  if (values.length !== elementsOf(tensor.shape)) {
    throw new EngineError(
      'INVALID_INPUT',
      `constant ${tensor.name} has ${values.length} values for shape [${tensor.shape}]`,
    )
  }
  return values
}

/** [outer][space][inner] -> [outer][inner][space] */
function channelsFirst(values: Float32Array, outer: number, space: number, inner: number): Float32Array {
  const result = new Float32Array(values.length)
  for (let o = 0; o < outer; o++) {
    for (let s = 0; s < space; s++) {
      for (let i = 0; i < inner; i++) {
        result[(o * inner + i) * space + s] = values[(o * space + s) * inner + i] ?? Number.NaN
      }
    }
  }
  return result
}
