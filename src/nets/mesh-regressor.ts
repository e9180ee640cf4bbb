import type { GraphBuilder, Value } from '../graph/graph.js'
import { conv2d } from '../ops/conv/conv2d.js'
import type { ImageInputOptions } from '../ops/image/image-input.js'
import { prelu } from '../ops/tensor/activation.js'
import { type BlockRow, separableBlock, separableBlocks } from './separable-block.js'

/** How a photo meets the network: the face's square region, 192x192, colours in [0, 1]. */
export const MESH_REGRESSOR_INPUT = {
  width: 192,
  height: 192,
  border: 'edge',
} as const satisfies ImageInputOptions

/** Coordinates of the 468 vertices. */
export const MESH_CHANNELS = 468 * 3

// biome-ignore format: one line per map size
const BLOCKS_TO_48: readonly BlockRow[] = [
  [16, 1], [16, 1],                // 96x96
  [32, 2],                         // 48x48
]
// biome-ignore format: one line per map size
const BLOCKS_TO_6: readonly BlockRow[] = [
  [32, 1], [32, 1],                // 48x48
  [64, 2], [64, 1], [64, 1],       // 24x24
  [128, 2], [128, 1], [128, 1],    // 12x12
  [128, 2], [128, 1], [128, 1],    //  6x6
]
const MESH_BLOCKS: readonly BlockRow[] = [
  [128, 2],
  [128, 1],
  [128, 1],
]
const FLAG_BLOCKS: readonly BlockRow[] = [[128, 2]]
/** Every branch narrows to this before its last block. */
const REDUCED_CHANNELS = 32

export interface MeshRegression {
  /** n x 1 x 1 x 1404: x, y, z of vertex 0, then of vertex 1, ...; crop px, z positive away from the camera. */
  readonly mesh: Value
  /** n x 1 x 1 x 1: logit that the crop holds a face. */
  readonly flag: Value
}

/**
 * 3DMeshReg: MediaPipe's face mesh regressor. Weights: mesh-regressor.safetensors.
 * @param crop n x 192 x 192 x 3, see MESH_REGRESSOR_INPUT
 */
export function meshRegressor(graph: GraphBuilder, crop: Value): MeshRegression {
  const { map6 } = meshTrunk(graph, crop)
  const mesh = meshBranch(graph, map6)
  const flag = branch(graph, 'flag', map6, FLAG_BLOCKS)
  return {
    mesh: wholeMapConv(graph, 'mesh.output', mesh, 3, MESH_CHANNELS),
    flag: wholeMapConv(graph, 'flag.output', flag, 3, 1),
  }
}

/** The layers that both regressors start with: 48x48x32 features, from which regions are cut, and 6x6x128. */
export function meshTrunk(graph: GraphBuilder, crop: Value): { readonly map48: Value; readonly map6: Value } {
  const stem = conv2d(graph, 'stem', crop, {
    weight: 'stem.weight',
    bias: 'stem.bias',
    outChannels: 16,
    kernel: 3,
    stride: 2,
    padding: 'same',
  })
  const start = prelu(graph, 'stem.prelu', stem, 'stem.prelu.slope')
  const map48 = separableBlocks(graph, '', start, BLOCKS_TO_48, 'prelu')
  const map6 = separableBlocks(graph, '', map48, BLOCKS_TO_6, 'prelu', BLOCKS_TO_48.length + 1)
  return { map48, map6 }
}

/** The mesh branch without its last layer, which the attention network's face flag shares. */
export function meshBranch(graph: GraphBuilder, map6: Value): Value {
  return branch(graph, 'mesh', map6, MESH_BLOCKS)
}

/** Blocks, a 1x1 reduction to 32 channels, one more block. */
export function branch(graph: GraphBuilder, name: string, input: Value, rows: readonly BlockRow[]): Value {
  const wide = separableBlocks(graph, `${name}.`, input, rows, 'prelu')
  const reduced = conv2d(graph, `${name}.reduce`, wide, {
    weight: `${name}.reduce.weight`,
    bias: `${name}.reduce.bias`,
    outChannels: REDUCED_CHANNELS,
    kernel: 1,
    stride: 1,
    padding: 0,
  })
  const start = prelu(graph, `${name}.reduce.prelu`, reduced, `${name}.reduce.prelu.slope`)
  return separableBlock(graph, `${name}.reduced.block1`, start, [REDUCED_CHANNELS, 1], 'prelu')
}

/** A convolution whose kernel covers its whole map: n x 1 x 1 x channels. */
export function wholeMapConv(
  graph: GraphBuilder,
  name: string,
  input: Value,
  side: number,
  channels: number,
): Value {
  return conv2d(graph, name, input, {
    weight: `${name}.weight`,
    bias: `${name}.bias`,
    outChannels: channels,
    kernel: side,
    stride: 1,
    padding: 0,
  })
}
