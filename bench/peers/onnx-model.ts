import onnxProto from 'onnx-proto'
import type { Graph } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import { type Dense, displacements, NORM_EPSILON, pair, type Visitor, walk } from './graph-walk.js'

const { onnx } = onnxProto
const { FLOAT, INT64 } = onnx.TensorProto.DataType
const OPSET = 17

/** Our graph as an ONNX model (NCHW, opset 17): inputs under their names, output `flow`. */
export function onnxModel(graph: Graph, weights: WeightSource): Uint8Array {
  const writer = new Writer(weights)
  const result = walk(graph, writer)
  const model = onnx.ModelProto.create({
    irVersion: 8,
    producerName: 'deepfaceflow',
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: graph.name,
      node: [...writer.nodes, { opType: 'Identity', input: [result], output: ['flow'] }],
      initializer: writer.initialisers,
      input: writer.inputs,
      output: [{ name: 'flow', type: { tensorType: { elemType: FLOAT } } }],
    },
  })
  return onnx.ModelProto.encode(model).finish()
}

type Node = InstanceType<typeof onnx.NodeProto> | object

class Writer implements Visitor<string> {
  readonly nodes: Node[] = []
  readonly initialisers: object[] = []
  readonly inputs: object[] = []
  #next = 0

  constructor(private readonly weights: WeightSource) {}

  input(name: string, { n, c, h, w }: Dense): string {
    const dim = [n, c, h, w].map((dimValue) => ({ dimValue }))
    this.inputs.push({ name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } })
    return name
  }

  conv2d(...[name, x, attrs, { input, output }, padding]: Parameters<Visitor<string>['conv2d']>): string {
    const kernel = pair(attrs.kernel)
    const weight = this.#weight(attrs.weight, [output.c, input.c, ...kernel])
    const bias = attrs.bias === undefined ? [] : [this.#weight(attrs.bias, [output.c])]
    return this.#add('Conv', name, [x, weight, ...bias], {
      kernel_shape: kernel,
      strides: pair(attrs.stride),
      pads: [...padding],
    })
  }

  transposedConv2d(
    ...[name, x, attrs, { input, output }]: Parameters<Visitor<string>['transposedConv2d']>
  ): string {
    const kernel = pair(attrs.kernel)
    const [top, left] = pair(attrs.padding)
    const weight = this.#weight(attrs.weight, [input.c, output.c, ...kernel])
    const bias = attrs.bias === undefined ? [] : [this.#weight(attrs.bias, [output.c])]
    const full = this.#add('ConvTranspose', name, [x, weight, ...bias], {
      kernel_shape: kernel,
      strides: pair(attrs.stride),
      pads: [top, left, top, left],
      output_padding: pair(attrs.outputPadding ?? 0),
    })
    if (attrs.crop === undefined) return full
    return this.#add('Slice', `${name}/crop`, [
      full,
      this.#integers([0, 0]),
      this.#integers([attrs.crop.h, attrs.crop.w]),
      this.#integers([2, 3]),
    ])
  }

  leakyRelu(name: string, x: string, slope: number): string {
    return this.#add('LeakyRelu', name, [x], { alpha: slope })
  }

  concat(name: string, parts: readonly string[]): string {
    return this.#add('Concat', name, [...parts], { axis: 1 })
  }

  batchSlice(name: string, x: string, first: number, count: number): string {
    const inputs = [x, this.#integers([first]), this.#integers([first + count]), this.#integers([0])]
    return this.#add('Slice', name, inputs)
  }

  /** One matrix product of all pixels with all pixels, from which each takes its displacements. */
  correlation(name: string, first: string, second: string, radius: number, { h, w, c }: Dense): string {
    const a = this.#add('Reshape', `${name}/a`, [
      this.#normalised(`${name}/1`, first),
      this.#integers([c, h * w]),
    ])
    const rows = this.#add('Transpose', `${name}/rows`, [a], { perm: [1, 0] })
    const pads = this.#integers([0, 0, radius, radius, 0, 0, radius, radius])
    const padded = this.#add('Pad', `${name}/pad`, [this.#normalised(`${name}/2`, second), pads])
    const size = (h + 2 * radius) * (w + 2 * radius)
    const columns = this.#add('Reshape', `${name}/b`, [padded, this.#integers([c, size])])
    const products = this.#add('MatMul', `${name}/products`, [rows, columns])
    const channels = (2 * radius + 1) ** 2
    const indices = this.#integers([...displacements(h, w, radius)], [h * w, channels])
    const chosen = this.#add('GatherElements', `${name}/chosen`, [products, indices], { axis: 1 })
    const means = this.#add('Mul', `${name}/means`, [chosen, this.#floats(new Float32Array([1 / c]), [1])])
    const planes = this.#add('Transpose', `${name}/planes`, [means], { perm: [1, 0] })
    return this.#add('Reshape', name, [planes, this.#integers([1, channels, h, w])])
  }

  resize(name: string, x: string, { n, c, h, w }: Dense): string {
    return this.#add('Resize', name, [x, '', '', this.#integers([n, c, h, w])], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    })
  }

  #normalised(name: string, x: string): string {
    const squares = this.#add('Mul', `${name}/squares`, [x, x])
    const mean = this.#add('ReduceMean', `${name}/mean`, [squares], { axes: [1], keepdims: 1 })
    const raised = this.#add('Add', `${name}/raised`, [
      mean,
      this.#floats(new Float32Array([NORM_EPSILON]), [1]),
    ])
    return this.#add('Div', `${name}/normalised`, [x, this.#add('Sqrt', `${name}/rms`, [raised])])
  }

  #add(
    opType: string,
    name: string,
    input: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): string {
    const output = `${name}:0`
    this.nodes.push({
      opType,
      name,
      input: [...input],
      output: [output],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    })
    return output
  }

  #weight(name: string, shape: readonly number[]): string {
    return this.#floats(this.weights.tensor(name, shape), shape, name)
  }

  #floats(data: Float32Array, dims: readonly number[], name = `constant${this.#next++}`): string {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    this.initialisers.push({ name, dataType: FLOAT, dims: [...dims], rawData })
    return name
  }

  #integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = `constant${this.#next++}`
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer)
    this.initialisers.push({ name, dataType: INT64, dims: [...dims], rawData })
    return name
  }
}

type Attribute = number | string | readonly number[]

function attribute(name: string, value: Attribute): object {
  const types = onnx.AttributeProto.AttributeType
  if (typeof value === 'string') return { name, type: types.STRING, s: new TextEncoder().encode(value) }
  if (typeof value !== 'number') return { name, type: types.INTS, ints: [...value] }
  if (name === 'alpha') return { name, type: types.FLOAT, f: value }
  return { name, type: types.INT, i: value }
}
