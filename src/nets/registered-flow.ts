import type { GraphBuilder, Value } from '../graph/graph.js'
import { batchSlice } from '../ops/concat.js'
import { multiply } from '../ops/elementwise.js'
import { frameType, IMAGE_TRANSFORM_TYPE, imageFrames, imageInput } from '../ops/image-input.js'
import { fragmentMask, interpolate } from '../ops/interpolate.js'
import { rasterise } from '../ops/rasterise.js'
import { affineVertices, type VertexAttribute, vertexAttributes } from '../ops/vertices.js'
import { dffnet, FLOW_UNIT } from './dffnet.js'
import { MESH_REGRESSOR_INPUT, meshRegressor } from './mesh-regressor.js'
import { type Refinement, refineFlow } from './refinement.js'

export interface RegisteredFlowConfig {
  /** Side of the template frame, px. */
  readonly size: number
  /** DFFNet's width multiplier. */
  readonly a: number
  /** True for `dffnet-m`: the difference and depth of both frames' meshes go in beside the PNCC. */
  readonly meshPrior: boolean
  /** See `DffnetConfig`. */
  readonly fineMatching: boolean
  /** What 3DMeshReg sees of a registered frame: an unturned square, template px. */
  readonly regressorRoi: { readonly cx: number; readonly cy: number; readonly side: number }
  readonly triangles: Uint32Array
  /** Normalised coordinates code of each vertex, [vertex][3] in [0, 1]. */
  readonly ncc: Float32Array
  /** What follows DFFNet; default `none`. */
  readonly refinement?: Refinement
}

/** Names of the graph inputs. */
export const REGISTERED_INPUTS = {
  /** RGBA8 frames, size x size. */
  i1: 'i1',
  i2: 'i2',
  /** `registeredRoiTransform`, written once: 3DMeshReg's crop of a frame. */
  roi: 'roi',
} as const

export interface RegisteredFlow {
  /** 1 x size x size x 3: (dx, dy, dz), template px, zero outside the face of I1. */
  readonly flow: Value
  /** 1 x size x size x c: PNCC; with the mesh prior also mesh difference / 20 px (3) and mesh depth / 100 px. */
  readonly encoding: Value
  /** 1 x size x size x 4 of `rasterise`: the mesh of I1. */
  readonly fragments: Value
  /** 2 x 1 x 468 x 3 (1 x .. without the prior): meshes of I1 and I2, template px, z away from the camera. */
  readonly meshes: Value
}

const MESH_DEPTH_UNIT = 100

/**
 * Registered frames to flow in one graph, so in one submission without a readback: 3DMeshReg, z-buffer raster, PNCC,
 * DFFNet (Koujan et al. 2020, section 3), and where the configuration says so a refinement of its flow.
 */
export function registeredFlow(graph: GraphBuilder, config: RegisteredFlowConfig): RegisteredFlow {
  const { size, triangles, ncc, meshPrior } = config
  const frame = frameType(size, size)
  const pixels = [graph.input(REGISTERED_INPUTS.i1, frame), graph.input(REGISTERED_INPUTS.i2, frame)] as const
  const transform = graph.input(REGISTERED_INPUTS.roi, IMAGE_TRANSFORM_TYPE)
  // (RGB / 255 - 0.45) * 2
  const images = imageFrames(graph, 'images', pixels, {
    width: size,
    height: size,
    scale: [2, 2, 2],
    offset: [-0.9, -0.9, -0.9],
  })

  // 3DMeshReg, on both frames where the prior wants both.
  const seen = meshPrior ? pixels : [pixels[0]]
  const crops = imageInput(
    graph,
    'regressor crops',
    seen.map((p) => ({ pixels: p, transform })),
    { width: MESH_REGRESSOR_INPUT.width, height: MESH_REGRESSOR_INPUT.height, border: 'black' },
  )
  const { cx, cy, side } = config.regressorRoi
  const scale = side / MESH_REGRESSOR_INPUT.width
  const meshes = affineVertices(graph, 'meshes', meshRegressor(graph, crops).mesh, {
    scale: [scale, scale, scale],
    offset: [cx - side / 2, cy - side / 2, 0],
  })

  // PNCC and mesh prior.
  const meshA = meshPrior ? batchSlice(graph, 'mesh A', meshes, 0, 1) : meshes
  const fragments = rasterise(graph, 'fragments', meshA, { width: size, height: size, triangles })
  const code: VertexAttribute = { kind: 'constant', data: ncc, channels: 3 }
  const attributes = meshPrior
    ? vertexAttributes(
        graph,
        'attributes',
        [meshA, batchSlice(graph, 'mesh B', meshes, 1, 1)],
        [code, { kind: 'difference', scale: 1 / FLOW_UNIT }, { kind: 'depth', scale: 1 / MESH_DEPTH_UNIT }],
      )
    : { data: ncc, channels: 3 }
  const encoding = interpolate(graph, 'encoding', fragments, attributes, { triangles })

  // DFFNet, in px and on the face only.
  const flows = dffnet(graph, images, encoding, {
    a: config.a,
    encodingChannels: meshPrior ? 7 : 3,
    fineMatching: config.fineMatching,
  })
  const unit = fragmentMask(graph, 'mask', fragments, FLOW_UNIT)
  const flow = multiply(graph, 'flow', flows.at(-1) as Value, unit)
  const refined =
    config.refinement === 'inverse-search' ? refineFlow(graph, 'refined flow', flow, images, fragments) : flow
  return { flow: refined, encoding, fragments, meshes }
}

/** Content of the input `roi`. */
export function registeredRoiTransform(config: Pick<RegisteredFlowConfig, 'size' | 'regressorRoi'>): {
  width: number
  height: number
  matrix: [number, number, number, number, number, number]
} {
  const { cx, cy, side } = config.regressorRoi
  const scale = side / MESH_REGRESSOR_INPUT.width
  return {
    width: config.size,
    height: config.size,
    matrix: [scale, 0, cx - side / 2, 0, scale, cy - side / 2],
  }
}
