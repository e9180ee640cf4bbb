import { EngineError } from '../errors.js'
import {
  checkArguments,
  finiteFloats,
  flag,
  indices,
  oneOf,
  optional,
  positive,
  whole,
} from '../graph/arguments.js'
import { checkedBuilder, type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { flowOnFace, OPENING_DEFAULTS, openingEdgesType } from '../ops/flow/flow-on-face.js'
import { frameType, IMAGE_TRANSFORM_TYPE, imageFrames } from '../ops/image/image-input.js'
import { fragmentMask, interpolate } from '../ops/mesh/interpolate.js'
import { leadVertices, vertexGoalsType } from '../ops/mesh/lead-vertices.js'
import { rasterise } from '../ops/mesh/rasterise.js'
import { type VertexAttribute, vertexAttributes } from '../ops/mesh/vertices.js'
import { batchConcat, batchSlice } from '../ops/tensor/concat.js'
import { DEPTH_FROM_MOTION, type DepthFromMotionConfig, depthFromMotion } from './depth-from-motion.js'
import { type DffnetConfig, dffnetFlow, FLOW_UNIT, type ImageFeatures, imageFeatures } from './dffnet.js'
import { extendFace, FACE_EXTENT, type FaceExtentConfig } from './face-extent.js'
import { occlusionInputs, occlusionNetwork } from './occlusion.js'
import { REFINEMENTS, type Refinement, refineFlow } from './refinement.js'
import { type RegisteredFaces, type RegisteredMeshesConfig, registeredFaces } from './registered-meshes.js'

/** What {@link registeredFlow} builds. */
export interface RegisteredFlowConfig extends RegisteredMeshesConfig {
  /** DFFNet's width multiplier. */
  readonly a: number
  /** True for `dffnet-m`: the difference and depth of both frames' meshes go in beside the PNCC. */
  readonly meshPrior: boolean
  /** See `DffnetConfig`. */
  readonly fineMatching: boolean
  readonly triangles: Uint32Array
  /** What the images make of DFFNet's flow; default `none`. */
  readonly refinement?: Refinement
  /** Set where depth from motion corrects dz, or all of the flow, in the end. */
  readonly depth?: DepthFromMotionConfig
  /**
   * Pairs of one run, 1 to {@link MAX_REGISTERED_BATCH}; default 1. More fill a GPU better; each pair waits for all. Each has the
   * same bits as alone.
   */
  readonly batch?: number
  /** Set where the flow goes on beyond the mesh; with the mesh prior alone. */
  readonly extent?: FaceExtentConfig
  /**
   * True where all pairs of the batch have their second frame in common: one input `i2` holds it, and what only depends on a frame is
   * computed once for it. Default false.
   */
  readonly sharedSecond?: boolean
  /**
   * So many gaps of lids and lips that the flow follows before its refinement, as landmarks of both frames say: the graph gets an
   * input `openings`, see `flowOnFace`; zeros where there are no landmarks. Default 0: no such input.
   */
  readonly openings?: number
  /**
   * True where the meshes that are drawn go to landmarks, as goals say: PNCC, mask and the ring beyond the mesh are of the led meshes; what
   * networks learned of meshes, the difference of both, their depth and depth from motion, stays with those of 3DMeshReg. The graph gets
   * an input `goals`, see `leadVertices`; zeros where there are no landmarks. Default false: no such input.
   */
  readonly lead?: boolean
}

/** Largest `batch` of {@link RegisteredFlowConfig}: past it nothing is gained, and a pair takes some 20 MB. */
export const MAX_REGISTERED_BATCH = 64

/** Names of the graph inputs for one pair; see {@link registeredInputNames} for more. */
export const REGISTERED_INPUTS = {
  /** RGBA8 frames, size x size. */
  i1: 'i1',
  i2: 'i2',
  /** `registeredRoiTransform`, written once: 3DMeshReg's crop of a frame. */
  roi: 'roi',
  /** Edges of lids and lips of all pairs, `openingEdgesType`; only with `openings`. */
  openings: 'openings',
  /** Where the vertices of all I1, then of all I2 are led, `vertexGoalsType`; only with `lead`. */
  goals: 'goals',
} as const

/**
 * Names of the graph inputs that hold the frames of each pair, in the order of the results: those of {@link REGISTERED_INPUTS} for
 * one pair, `i1.0`, `i2.0`, `i1.1`, ... for more; `i1.0`, `i2`, `i1.1`, `i2`, ... where they share the second frame.
 * @param sharedSecond see {@link RegisteredFlowConfig}
 * @throws EngineError INVALID_ARGUMENT for no whole number from 1 to {@link MAX_REGISTERED_BATCH}, or no boolean
 */
export function registeredInputNames(
  batch = 1,
  sharedSecond = false,
): { readonly i1: string; readonly i2: string }[] {
  checkArguments('registeredFlow', { batch: BATCH, sharedSecond: flag }, { batch, sharedSecond })
  const { i1, i2 } = REGISTERED_INPUTS
  if (batch === 1) return [{ i1, i2 }]
  return Array.from({ length: batch }, (_, pair) => ({
    i1: `${i1}.${pair}`,
    i2: sharedSecond ? i2 : `${i2}.${pair}`,
  }))
}

/** Values of the graph that {@link registeredFlow} builds, for `batch` = n pairs. */
export interface RegisteredFlow {
  /** n x size x size x 3: (dx, dy, dz), template px, zero outside the face of I1. */
  readonly flow: Value
  /** n x size x size x c: PNCC; with the mesh prior also mesh difference / 20 px (3) and mesh depth / 100 px. */
  readonly encoding: Value
  /**
   * n x size x size x 4 of `rasterise`: the mesh of I1, led where there are landmarks, and, with an extent, the ring about it, see
   * `extendedTriangles`.
   */
  readonly fragments: Value
  /** n x size x size x 1: 20 on the face of I1, 0 elsewhere. */
  readonly mask: Value
  /** The same of the mesh alone. */
  readonly meshMask: Value
  /**
   * Meshes of 3DMeshReg, template px, z away from the camera. With the prior 2n x 1 x 468 x 3: of all I1, then of all I2, whichever the flow
   * starts from; without it n x 1 x 468 x 3: of the frames that the flow starts from.
   */
  readonly meshes: Value
  /** n x 1 x 468 x 3: the mesh that `fragments` shows. */
  readonly drawnMesh: Value
  /** As many as meshes, x 1 x 1 x 1: logits that the frames hold a face. */
  readonly flags: Value
}

const MESH_DEPTH_UNIT = 100

/** Longest way of a vertex to its landmark, px: a chin goes some 7; on heads turned far the two networks differ by more, which no smooth move follows. */
export const LEAD_MOST = 16

const BATCH = whole(1, MAX_REGISTERED_BATCH)

/** What `registeredFaces`, which takes the same configuration, does not check. */
const CONFIG = {
  a: positive,
  size: whole(),
  meshPrior: flag,
  fineMatching: flag,
  triangles: indices,
  ncc: finiteFloats,
  refinement: optional(oneOf(...REFINEMENTS)),
  depth: optional(DEPTH_FROM_MOTION),
  batch: optional(BATCH),
  extent: optional(FACE_EXTENT),
  sharedSecond: optional(flag),
  openings: optional(whole(0)),
  lead: optional(flag),
}

/**
 * Registered frames to flow in one graph, so in one submission without a readback: 3DMeshReg, z-buffer raster, PNCC,
 * DFFNet (Koujan et al. 2020, section 3), and where the configuration says so a refinement and depth from motion.
 */
export function registeredFlow(graph: GraphBuilder, config: RegisteredFlowConfig): RegisteredFlow {
  checkConfig(config)
  return flowFrom(checkedBuilder(graph), 0, registeredFrames(graph, config), config)
}

function checkConfig(config: RegisteredFlowConfig): void {
  checkArguments('registeredFlow', CONFIG, config)
  if (config.extent !== undefined && !config.meshPrior) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      'registeredFlow: an extent needs the mesh of both frames; set meshPrior, or leave extent out',
    )
  }
}

/** What {@link registeredFlows} builds. */
export interface RegisteredFlows {
  readonly forward: RegisteredFlow
  readonly backward: RegisteredFlow
  readonly occlusion: {
    /** What the network sees, see `occlusionInputs`. */
    readonly inputs: Value
    /** n x size x size x 2, see `occlusionNetwork`. */
    readonly maps: Value
  }
}

/**
 * The flows of both directions in one graph, and what they and the images say of what is hidden. They share the meshes, the images
 * and their features; each has the same bits as `registeredFlow` of its pair. What is left out with the outputs of `backward` and
 * `occlusion` is `registeredFlow`.
 */
export function registeredFlows(graph: GraphBuilder, config: RegisteredFlowConfig): RegisteredFlows {
  checkConfig(config)
  const frames = registeredFrames(checkedBuilder(graph), config)
  const { batch = 1 } = config
  const forward = flowFrom(graph, 0, frames, config)
  const backward = graph.prefixed('backward ', () => flowFrom(graph, 1, frames, config))
  const { images } = frames.features()
  const occlusion = graph.repeated(batch, () => {
    const inputs = occlusionInputs(graph, 'occlusion', [
      { ...forward, image: batchSlice(graph, 'occlusion I1', images, 0, batch) },
      { ...backward, image: batchSlice(graph, 'occlusion I2', images, batch, batch) },
    ])
    return { inputs, maps: occlusionNetwork(graph, 'occlusion', inputs) }
  })
  return { forward, backward, occlusion }
}

/**
 * What both directions look at: of all I1, then of all I2, each as often as there are pairs. Parts are added to the graph when the
 * first direction asks.
 */
interface Frames {
  /** Of all frames with the prior, else of the frames `source` of the pairs. */
  faces(source: 0 | 1): FramedFaces
  features(): ImageFeatures
  /** The edges that the flows follow, undefined where they follow none. */
  readonly openings: Value | undefined
}

interface FramedFaces extends RegisteredFaces {
  /** The meshes as they are drawn: led where there are landmarks. */
  readonly drawn: Value
}

function registeredFrames(graph: GraphBuilder, config: RegisteredFlowConfig): Frames {
  const { size, meshPrior, batch = 1, openings = 0, lead = false } = config
  const frame = frameType(size, size)
  const names = registeredInputNames(batch, config.sharedSecond)
  const inputs = [names.map(({ i1 }) => i1), [...new Set(names.map(({ i2 }) => i2))]].map((side) =>
    side.map((name) => graph.input(name, frame)),
  ) as [Value[], Value[]]
  const distinct = inputs.flat()
  // (RGB / 255 - 0.45) * 2
  const images = imageFrames(graph, 'images', [...inputs[0], ...toLength(batch, inputs[1])], {
    width: size,
    height: size,
    scale: [2, 2, 2],
    offset: [-0.9, -0.9, -0.9],
  })
  const transform = graph.input(REGISTERED_INPUTS.roi, IMAGE_TRANSFORM_TYPE)
  const edges =
    openings > 0 ? graph.input(REGISTERED_INPUTS.openings, openingEdgesType(batch, openings)) : undefined
  const vertices = config.ncc.length / 3
  const goals = lead ? graph.input(REGISTERED_INPUTS.goals, vertexGoalsType(2 * batch, vertices)) : undefined
  let shared: FramedFaces | undefined
  let features: ImageFeatures | undefined

  /** Of `frames`, which are `alone` for one pair: for as many pairs as there are. @param first of the goals that are theirs */
  const facesOf = (frames: readonly Value[], alone: 1 | 2, first: number): FramedFaces => {
    const seen = graph.repeated(frames.length / alone, () =>
      registeredFaces(graph, 'meshes', frames, transform, config),
    )
    const count = alone * batch
    const meshes = lastRepeated(graph, 'meshes of pairs', seen.meshes, count)
    const led = (to: Value): Value =>
      graph.repeated(batch, () => leadVertices(graph, 'led meshes', meshes, to, { first, most: LEAD_MOST }))
    return {
      meshes,
      drawn: goals ? led(goals) : meshes,
      flags: lastRepeated(graph, 'flags of pairs', seen.flags, count),
    }
  }
  return {
    // 3DMeshReg, on all frames where the prior wants both of a pair.
    faces: (source) => {
      if (!meshPrior) return facesOf(inputs[source], 1, source * batch)
      shared ??= facesOf(distinct, 2, 0)
      return shared
    },
    features: () => {
      features ??= featuresOf(graph, images, distinct.length, config)
      return features
    },
    openings: edges,
  }
}

/** Features of images of which the first `distinct` differ, and the others are the last of these once more. */
function featuresOf(
  graph: GraphBuilder,
  images: Value,
  distinct: number,
  config: RegisteredFlowConfig,
): ImageFeatures {
  const count = 2 * (config.batch ?? 1)
  const seen = distinct === count ? images : batchSlice(graph, 'different images', images, 0, distinct)
  const { conv1, conv2, conv3 } = graph.repeated(distinct / 2, () => imageFeatures(graph, seen, config))
  return {
    images,
    conv1: lastRepeated(graph, 'conv1 of pairs', conv1, count),
    conv2: lastRepeated(graph, 'conv2 of pairs', conv2, count),
    conv3: lastRepeated(graph, 'conv3 of pairs', conv3, count),
  }
}

/** The last one again and again behind them, until there are so many. */
function toLength<T>(length: number, values: readonly T[]): T[] {
  return [...values, ...Array<T>(length - values.length).fill(values.at(-1) as T)]
}

/** `toLength` of the entries of a batch. */
function lastRepeated(graph: GraphBuilder, name: string, value: Value, length: number): Value {
  const { n } = tensorTypeOf(graph, name, value)
  if (n === length) return value
  const last = batchSlice(graph, `last of ${name}`, value, n - 1, 1)
  return batchConcat(graph, name, toLength(length - n + 1, [value, last]))
}

/** @param source the frame of each pair that the flow starts from */
function flowFrom(
  graph: GraphBuilder,
  source: 0 | 1,
  frames: Frames,
  config: RegisteredFlowConfig,
): RegisteredFlow {
  const { batch = 1 } = config
  const faces = frames.faces(source)
  const drawn = graph.repeated(batch, () => drawnFaces(graph, source, faces, config))
  const features = frames.features()
  return graph.repeated(batch, () => matchedFaces(graph, source, drawn, features, frames.openings, config))
}

/** Of the faces that the flow starts from, and with the prior of the other ones. */
type MeshPair = readonly [Value] | readonly [Value, Value]

/** PNCC and mesh prior of the faces that the flow starts from; `fragments` of the mesh alone. */
interface DrawnFaces extends Omit<RegisteredFlow, 'flow' | 'mask' | 'meshMask'> {
  /** Of 3DMeshReg. */
  readonly meshPair: MeshPair
  /** As they are drawn. */
  readonly drawnPair: MeshPair
}

function drawnFaces(
  graph: GraphBuilder,
  source: 0 | 1,
  { meshes, drawn, flags }: FramedFaces,
  { size, triangles, ncc, meshPrior, batch = 1 }: RegisteredFlowConfig,
): DrawnFaces {
  const pairOf = (all: Value, what: string): MeshPair => {
    if (!meshPrior) return [all]
    const side = (frame: number, letter: string): Value =>
      batchSlice(graph, `${what} ${letter}`, all, frame * batch, batch)
    return [side(source, 'A'), side(1 - source, 'B')]
  }
  const meshPair = pairOf(meshes, 'mesh')
  const drawnPair = drawn === meshes ? meshPair : pairOf(drawn, 'led mesh')
  const fragments = rasterise(graph, 'fragments', drawnPair[0], { width: size, height: size, triangles })
  const code: VertexAttribute = { kind: 'constant', data: ncc, channels: 3 }
  const attributes = meshPrior
    ? vertexAttributes(graph, 'attributes', meshPair, [
        code,
        { kind: 'difference', scale: 1 / FLOW_UNIT },
        { kind: 'depth', scale: 1 / MESH_DEPTH_UNIT },
      ])
    : { data: ncc, channels: 3 }
  const encoding = interpolate(graph, 'encoding', fragments, attributes, { triangles })
  return { encoding, fragments, meshes, drawnMesh: drawnPair[0], flags, meshPair, drawnPair }
}

function matchedFaces(
  graph: GraphBuilder,
  source: 0 | 1,
  { meshPair, drawnPair, ...drawn }: DrawnFaces,
  features: ImageFeatures,
  openings: Value | undefined,
  config: RegisteredFlowConfig,
): RegisteredFlow {
  const { encoding, fragments } = drawn

  // DFFNet, in px and on the face only, where landmarks lead lids and lips.
  const network: DffnetConfig = {
    a: config.a,
    encodingChannels: config.meshPrior ? 7 : 3,
    fineMatching: config.fineMatching,
  }
  const flows = dffnetFlow(graph, features, encoding, network, source)
  const led = openings && { source, edges: openings, ...OPENING_DEFAULTS }
  const meshFlow = flowOnFace(graph, 'flow', flows.at(-1) as Value, fragments, FLOW_UNIT, led)
  const { triangles, extent } = config
  const face =
    extent && drawnPair.length === 2
      ? extendFace(graph, 'extended', meshFlow, fragments, drawnPair, triangles, extent)
      : { flow: meshFlow, fragments }
  const mask = fragmentMask(graph, 'mask', face.fragments, FLOW_UNIT)
  const meshMask = extent ? fragmentMask(graph, 'mesh mask', fragments, FLOW_UNIT) : mask

  // (dx, dy) by the images, then dz by what they have become, and where the layers know more of (dx, dy) these too.
  const refinement = config.refinement ?? 'none'
  const { images } = features
  let flow = refineFlow(graph, 'refined flow', face.flow, images, face.fragments, refinement, source)
  if (config.depth !== undefined) {
    const layers = {
      ...config.depth,
      triangles,
      ...(extent && { extent: { ...extent, face: face.fragments } }),
    }
    flow = depthFromMotion(graph, 'depth from motion', flow, fragments, meshPair, layers)
  }
  return { ...drawn, fragments: face.fragments, flow, mask, meshMask }
}
