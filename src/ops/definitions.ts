import { contiguousChannelsOp } from '../graph/contiguous-channels.js'
import { convertStorageOp } from '../graph/convert-storage.js'
import type { OpDefinition } from '../graph/op.js'
import { conv2dOp } from './conv/conv2d.js'
import { depthwiseConv2dOp } from './conv/depthwise-conv2d.js'
import { fullyConnectedOp } from './conv/fully-connected.js'
import { transposedConv2dOp } from './conv/transposed-conv2d.js'
import { consistencyOp } from './flow/consistency.js'
import { correlationOp } from './flow/correlation.js'
import { flowOnFaceOp } from './flow/flow-on-face.js'
import { inverseSearchOp } from './flow/inverse-search.js'
import { variationalOp } from './flow/variational.js'
import { warpOp, warpValidityOp } from './flow/warp.js'
import { blendLayersOp } from './image/blend-layers.js'
import { compositeSheetOp } from './image/composite-sheet.js'
import { imageInputOp } from './image/image-input.js'
import { imageOutputOp } from './image/image-output.js'
import { resizeOp } from './image/resize.js'
import { addVertexMotionOp } from './mesh/add-vertex-motion.js'
import { extendVerticesOp } from './mesh/extend-vertices.js'
import { fragmentChannelOp, fragmentMaskedOp, interpolateOp } from './mesh/interpolate.js'
import { regionCropOp, regionPointsOp, regionTransformOp } from './mesh/landmark-attention.js'
import { leadVerticesOp } from './mesh/lead-vertices.js'
import { rasteriseOp } from './mesh/rasterise.js'
import { refineMeshOp } from './mesh/refine-mesh.js'
import { smoothRimOp } from './mesh/smooth-rim.js'
import { vertexMotionOp } from './mesh/vertex-motion.js'
import { vertexMapOp } from './mesh/vertices.js'
import { leakyReluOp, preluOp, reluOp, sigmoidOp, tanhOp } from './tensor/activation.js'
import { packOp, unpackOp } from './tensor/border.js'
import { channelGatherOp, channelPadOp, channelSliceOp } from './tensor/channels.js'
import { batchConcatOp, batchSliceOp, concatOp, concatPartOp } from './tensor/concat.js'
import { addOp, multiplyOp, scaleOp } from './tensor/elementwise.js'
import { cropOp, padOp } from './tensor/pad-crop.js'
import { poolAvgOp, poolMaxOp } from './tensor/pool.js'
import { meanErrorOp, reduceOp } from './tensor/reduce.js'
import { reshapeOp } from './tensor/reshape.js'

const DEFINITIONS = [
  ...[conv2dOp, depthwiseConv2dOp, fullyConnectedOp, transposedConv2dOp],
  ...[consistencyOp, correlationOp, flowOnFaceOp, inverseSearchOp, variationalOp, warpOp, warpValidityOp],
  ...[blendLayersOp, compositeSheetOp, imageInputOp, imageOutputOp, resizeOp],
  ...[
    fragmentChannelOp,
    fragmentMaskedOp,
    interpolateOp,
    regionCropOp,
    regionPointsOp,
    regionTransformOp,
    rasteriseOp,
  ],
  ...[refineMeshOp, addVertexMotionOp, vertexMotionOp, vertexMapOp],
  ...[extendVerticesOp, leadVerticesOp, smoothRimOp],
  ...[leakyReluOp, preluOp, reluOp, sigmoidOp, tanhOp, addOp, multiplyOp, scaleOp],
  ...[packOp, unpackOp, channelGatherOp, channelPadOp, channelSliceOp],
  ...[batchConcatOp, batchSliceOp, concatOp, concatPartOp],
  ...[cropOp, padOp, poolAvgOp, poolMaxOp, meanErrorOp, reduceOp, reshapeOp],
  ...[contiguousChannelsOp, convertStorageOp],
] as const satisfies readonly { readonly kind: string }[]

/** Every op by its kind, for graphs that come as data. */
export const OP_DEFINITIONS: ReadonlyMap<string, OpDefinition<unknown>> = new Map(
  // Each definition is handed the attributes that were written for its own kind.
  DEFINITIONS.map((definition) => [definition.kind, definition as OpDefinition<unknown>]),
)
