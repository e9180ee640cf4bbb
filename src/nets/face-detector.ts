import type { GraphBuilder, Value } from '../graph/graph.js'
import { conv2d } from '../ops/conv/conv2d.js'
import type { ImageInputOptions } from '../ops/image/image-input.js'
import { relu } from '../ops/tensor/activation.js'
import { type BlockRow, separableBlocks } from './separable-block.js'

/** How a photo meets the network: letterboxed to 128x128, colours in [-1, 1]. */
export const FACE_DETECTOR_INPUT = {
  width: 128,
  height: 128,
  border: 'black',
  scale: [2, 2, 2],
  offset: [-1, -1, -1],
} as const satisfies ImageInputOptions

// biome-ignore format: one line per map size
const BLOCKS_TO_16: readonly BlockRow[] = [
  [24, 1], [28, 1],                                        // 64x64
  [32, 2], [36, 1], [42, 1],                               // 32x32
  [48, 2], [56, 1], [64, 1], [72, 1], [80, 1], [88, 1],    // 16x16
]
const BLOCKS_TO_8: readonly BlockRow[] = [
  [96, 2],
  [96, 1],
  [96, 1],
  [96, 1],
  [96, 1],
]

/** Anchors per cell of the two maps, and numbers that describe the box of an anchor. */
const ANCHORS_16 = 2
const ANCHORS_8 = 6
const BOX_VALUES = 16

/** Raw maps; see `decodeDetections` for their meaning and `joinAnchors` for their order. */
export interface FaceDetectorMaps {
  /** n x 16 x 16 x 2, logits. */
  readonly scores16: Value
  /** n x 16 x 16 x 32. */
  readonly boxes16: Value
  /** n x 8 x 8 x 6, logits. */
  readonly scores8: Value
  /** n x 8 x 8 x 96. */
  readonly boxes8: Value
}

/**
 * BlazeFace, the short-range face detector of MediaPipe. Weights: face-detector.safetensors.
 * @param image n x 128 x 128 x 3, see FACE_DETECTOR_INPUT
 */
export function faceDetector(graph: GraphBuilder, image: Value): FaceDetectorMaps {
  const stem = conv2d(graph, 'stem', image, {
    weight: 'stem.weight',
    bias: 'stem.bias',
    outChannels: 24,
    kernel: 5,
    stride: 2,
    padding: 'same',
  })
  const map16 = separableBlocks(graph, '', relu(graph, 'stem.relu', stem), BLOCKS_TO_16, 'relu')
  const map8 = separableBlocks(graph, '', map16, BLOCKS_TO_8, 'relu', BLOCKS_TO_16.length + 1)
  const head = (name: string, map: Value, outChannels: number) =>
    conv2d(graph, name, map, {
      weight: `${name}.weight`,
      bias: `${name}.bias`,
      outChannels,
      kernel: 1,
      stride: 1,
      padding: 0,
    })
  return {
    scores16: head('scores16', map16, ANCHORS_16),
    boxes16: head('boxes16', map16, ANCHORS_16 * BOX_VALUES),
    scores8: head('scores8', map8, ANCHORS_8),
    boxes8: head('boxes8', map8, ANCHORS_8 * BOX_VALUES),
  }
}

/** One list over all anchors, of scores or of boxes: the finer map first, as anchors are numbered. */
export function joinAnchors(of16: Float32Array, of8: Float32Array): Float32Array {
  const joined = new Float32Array(of16.length + of8.length)
  joined.set(of16)
  joined.set(of8, of16.length)
  return joined
}
