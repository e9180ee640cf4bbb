import * as tf from '@tensorflow/tfjs-core'
import type { Graph } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { type Dense, displacements, NORM_EPSILON, pair, type Visitor, walk } from './graph-walk.js'

/** Our graph as a function of TensorFlow.js (NHWC). Weights go to its backend here, once. */
export function tfjsModel(
  graph: Graph,
  weights: WeightSource,
): (inputs: Readonly<Record<string, tf.Tensor4D>>) => tf.Tensor4D {
  const constants = new Map<string, tf.Tensor>()
  return (inputs) => tf.tidy(() => walk(graph, new Runner(inputs, weights, constants)))
}

class Runner implements Visitor<tf.Tensor4D> {
  constructor(
    private readonly inputs: Readonly<Record<string, tf.Tensor4D>>,
    private readonly weights: WeightSource,
    private readonly constants: Map<string, tf.Tensor>,
  ) {}

  input(name: string, _shape: Dense): tf.Tensor4D {
    const tensor = this.inputs[name]
    if (tensor === undefined) throw new TypeError(`no input "${name}"`)
    return tensor
  }

  conv2d(
    ...[_name, x, attrs, { input, output }, [top, left, bottom, right]]: Parameters<
      Visitor<tf.Tensor4D>['conv2d']
    >
  ) {
    const kernel = pair(attrs.kernel)
    // OIHW -> HWIO
    const filter = this.#constant(attrs.weight, [output.c, input.c, ...kernel], [2, 3, 1, 0]) as tf.Tensor4D
    const sides: [[number, number], [number, number], [number, number], [number, number]] = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]
    return this.#biased(tf.conv2d(x, filter, pair(attrs.stride), sides), attrs.bias, output.c)
  }

  transposedConv2d(
    ...[name, x, attrs, { input, output }]: Parameters<Visitor<tf.Tensor4D>['transposedConv2d']>
  ) {
    const kernel = pair(attrs.kernel)
    const [stride] = pair(attrs.stride)
    const [padding] = pair(attrs.padding)
    const isDoubling = kernel.join() === '4,4' && stride === 2 && padding === 1
    if (!isDoubling) throw new TypeError(`${name}: "same" padding means something else for other sizes`)
    // IOHW -> HWOI
    const filter = this.#constant(attrs.weight, [input.c, output.c, ...kernel], [2, 3, 1, 0]) as tf.Tensor4D
    const full: [number, number, number, number] = [input.n, input.h * 2, input.w * 2, output.c]
    const up = this.#biased(tf.conv2dTranspose(x, filter, full, [2, 2], 'same'), attrs.bias, output.c)
    return full[1] === output.h && full[2] === output.w
      ? up
      : tf.slice4d(up, [0, 0, 0, 0], [output.n, output.h, output.w, output.c])
  }

  leakyRelu(_name: string, x: tf.Tensor4D, slope: number): tf.Tensor4D {
    return tf.leakyRelu(x, slope)
  }

  concat(_name: string, parts: readonly tf.Tensor4D[]): tf.Tensor4D {
    return tf.concat4d([...parts], 3)
  }

  batchSlice(_name: string, x: tf.Tensor4D, first: number, count: number): tf.Tensor4D {
    return tf.slice4d(x, [first, 0, 0, 0], [count, x.shape[1], x.shape[2], x.shape[3]])
  }

  correlation(
    name: string,
    first: tf.Tensor4D,
    second: tf.Tensor4D,
    radius: number,
    { h, w, c }: Dense,
  ): tf.Tensor4D {
    const normalised = (x: tf.Tensor4D): tf.Tensor4D =>
      tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), 3, true), NORM_EPSILON)))
    const rows = tf.reshape(normalised(first), [h * w, c]) as tf.Tensor2D
    const padded = tf.pad4d(normalised(second), [
      [0, 0],
      [radius, radius],
      [radius, radius],
      [0, 0],
    ])
    const size = (h + 2 * radius) * (w + 2 * radius)
    const products = tf.matMul(rows, tf.reshape(padded, [size, c]) as tf.Tensor2D, false, true)
    const channels = (2 * radius + 1) ** 2
    const flat = this.#cached(`${name}/indices`, () => {
      const indices = displacements(h, w, radius)
      return tf.tensor1d(
        indices.map((index, i) => Math.floor(i / channels) * size + index),
        'int32',
      )
    }) as tf.Tensor1D
    const chosen = tf.gather(tf.reshape(products, [h * w * size]), flat)
    return tf.reshape(tf.mul(chosen, 1 / c), [1, h, w, channels]) as tf.Tensor4D
  }

  resize(_name: string, x: tf.Tensor4D, { h, w }: Dense): tf.Tensor4D {
    return tf.image.resizeBilinear(x, [h, w], false, true)
  }

  #biased(x: tf.Tensor4D, bias: string | undefined, channels: number): tf.Tensor4D {
    return bias === undefined ? x : tf.add(x, this.#constant(bias, [channels]))
  }

  #constant(name: string, shape: readonly number[], order?: number[]): tf.Tensor {
    return this.#cached(name, () => {
      const tensor = tf.tensor(this.weights.tensor(name, shape), [...shape])
      return order === undefined ? tensor : tf.transpose(tensor, order)
    })
  }

  /** Kept beyond the run that makes it. */
  #cached(name: string, make: () => tf.Tensor): tf.Tensor {
    const known = this.constants.get(name)
    if (known !== undefined) return known
    const tensor = tf.keep(make())
    this.constants.set(name, tensor)
    return tensor
  }
}
