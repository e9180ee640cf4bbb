/**
 * Which layers of the TFLite graphs become which layers of ours. The graphs number their convolutions,
 * depthwise convolutions and PReLUs in the order in which the authors' code made them; ours are named
 * by their place in the network (docs/front-end.md draws it).
 */
export interface LayerMap {
  /** Our layer name: `.weight`, `.bias` or, for a PReLU, `.slope` is appended. */
  readonly layer: string
  /** Name of the layer in the graph, without `/Kernel`, `/Bias` or `/Alpha`. */
  readonly source: string
  readonly kind: 'conv' | 'depthwise' | 'transposed' | 'prelu'
}

/** Keras leaves the number off the first layer of a kind where counting starts at 0. */
const numbered = (base: string, i: number) => (i === 0 ? base : `${base}_${i}`)

/** Numbers of the first layers of a run of blocks in the graph. */
interface Start {
  readonly conv: number
  readonly depthwise: number
  readonly prelu?: number
}

/** `count` residual blocks (depthwise 3x3, pointwise, add, activation), numbered on from `start`. */
function blocks(prefix: string, count: number, start: Start): LayerMap[] {
  return Array.from({ length: count }, (_, i) => {
    const block = `${prefix}block${i + 1}`
    const layers: LayerMap[] = [
      {
        layer: `${block}.depthwise`,
        source: numbered('depthwise_conv2d', start.depthwise + i),
        kind: 'depthwise',
      },
      { layer: `${block}.pointwise`, source: numbered('conv2d', start.conv + i), kind: 'conv' },
    ]
    if (start.prelu !== undefined) {
      layers.push({
        layer: `${block}.prelu`,
        source: numbered('p_re_lu', start.prelu + i),
        kind: 'prelu',
      })
    }
    return layers
  }).flat()
}

/** Convolution and its PReLU. */
function convPrelu(layer: string, conv: number, prelu: number): LayerMap[] {
  return [
    { layer, source: numbered('conv2d', conv), kind: 'conv' },
    { layer: `${layer}.prelu`, source: numbered('p_re_lu', prelu), kind: 'prelu' },
  ]
}

/**
 * A branch that ends in landmarks or a logit: `count` blocks, a 1x1 reduction to 32 channels, one block, and
 * a convolution over the whole map. In the graph the reduction and last block follow the blocks in number.
 */
function branch(name: string, count: number, start: Required<Start>, output: string): LayerMap[] {
  const { conv, depthwise, prelu } = start
  return [
    ...blocks(`${name}.`, count, start),
    ...convPrelu(`${name}.reduce`, conv + count, prelu + count),
    ...blocks(`${name}.reduced.`, 1, {
      conv: conv + count + 1,
      depthwise: depthwise + count,
      prelu: prelu + count + 1,
    }),
    { layer: `${name}.output`, source: output, kind: 'conv' },
  ]
}

export const DETECTOR_LAYERS: readonly LayerMap[] = [
  { layer: 'stem', source: 'conv2d', kind: 'conv' },
  ...blocks('', 16, { conv: 1, depthwise: 0 }),
  // The graph names its outputs after the anchor stride in pixels of the input, ours after the map's side.
  { layer: 'scores16', source: 'classificator_8', kind: 'conv' },
  { layer: 'boxes16', source: 'regressor_8', kind: 'conv' },
  { layer: 'scores8', source: 'classificator_16', kind: 'conv' },
  { layer: 'boxes8', source: 'regressor_16', kind: 'conv' },
]

export const MESH_LAYERS: readonly LayerMap[] = [
  ...convPrelu('stem', 1, 1),
  ...blocks('', 14, { conv: 2, depthwise: 1, prelu: 2 }),
  ...branch('mesh', 3, { conv: 16, depthwise: 15, prelu: 16 }, 'conv2d_21'),
  ...branch('flag', 1, { conv: 28, depthwise: 23, prelu: 26 }, 'conv2d_31'),
]

export const ATTENTION_MESH_LAYERS: readonly LayerMap[] = [
  ...convPrelu('stem', 0, 0),
  ...blocks('', 14, { conv: 1, depthwise: 0, prelu: 1 }),
  ...branch('mesh', 3, { conv: 15, depthwise: 14, prelu: 15 }, 'output_mesh'),
  { layer: 'flag.output', source: 'conv_faceflag', kind: 'conv' },
  ...blocks('lips.region.', 6, { conv: 20, depthwise: 18, prelu: 20 }),
  ...branch('lips', 5, { conv: 26, depthwise: 24, prelu: 26 }, 'conv_lips'),
  ...blocks('leftEye.region.', 6, { conv: 33, depthwise: 30, prelu: 33 }),
  ...branch('leftEye', 5, { conv: 39, depthwise: 36, prelu: 39 }, 'conv_left_eye'),
  ...branch('leftIris', 5, { conv: 46, depthwise: 42, prelu: 46 }, 'conv_left_iris'),
  ...blocks('rightEye.region.', 6, { conv: 53, depthwise: 48, prelu: 53 }),
  ...branch('rightEye', 5, { conv: 59, depthwise: 54, prelu: 59 }, 'conv_right_eye'),
  ...branch('rightIris', 5, { conv: 66, depthwise: 60, prelu: 66 }, 'conv_right_iris'),
]

const conv = (layer: string, i: number): LayerMap => ({ layer, source: numbered('conv2d', i), kind: 'conv' })
const depthwise = (layer: string, i: number): LayerMap => ({
  layer,
  source: numbered('depthwise_conv2d', i),
  kind: 'depthwise',
})

/** A bottleneck; `gated` ones have two layers of a gate between depthwise and projection. */
function bottleneck(name: string, first: number, deep: number, isGated: boolean): LayerMap[] {
  return [
    conv(`${name}.expand`, first),
    depthwise(`${name}.depthwise`, deep),
    ...(isGated ? [conv(`${name}.gate.squeeze`, first + 1), conv(`${name}.gate.excite`, first + 2)] : []),
    conv(`${name}.project`, first + (isGated ? 3 : 1)),
  ]
}

function join(name: string, first: number, deep: number): LayerMap[] {
  return [
    conv(`${name}.up`, first),
    conv(`${name}.gate.squeeze`, first + 1),
    conv(`${name}.gate.excite`, first + 2),
    conv(`${name}.project`, first + 3),
    depthwise(`${name}.depthwise`, deep),
  ]
}

export const SELFIE_LAYERS: readonly LayerMap[] = [
  conv('stem', 0),
  ...bottleneck('block1', 1, 0, true),
  ...bottleneck('block2', 5, 1, false),
  ...bottleneck('block3', 7, 2, false),
  ...[4, 5, 6, 7, 8].flatMap((block, i) => bottleneck(`block${block}`, 9 + 4 * i, 3 + i, true)),
  conv('context.map', 29),
  conv('context.gate.excite', 30),
  ...join('join32', 31, 8),
  ...join('join64', 35, 9),
  ...join('join128', 39, 10),
  { layer: 'matte', source: 'segment', kind: 'transposed' },
]
