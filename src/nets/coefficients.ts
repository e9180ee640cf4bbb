import { anything, checkArguments, finiteFloats, list, whole } from '../graph/arguments.js'
import { checkedBuilder, type GraphBuilder, type Value } from '../graph/graph.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { fullyConnected } from '../ops/conv/fully-connected.js'
import { type ImageTransform, imageInput } from '../ops/image/image-input.js'
import { affineVertices, vertexAttributes } from '../ops/mesh/vertices.js'
import { leakyRelu } from '../ops/tensor/activation.js'
import { batchConcat, concat } from '../ops/tensor/concat.js'
import { add, multiply, scale } from '../ops/tensor/elementwise.js'
import { mirroredVertices } from './registered-meshes.js'

/** Name of the network in its weight file. */
export const COEFFICIENT_NETWORK = 'coefficients'

/** ARKit's names of the coefficients in the network's order: alphabetical, without the tongue, which no training face has. */
// biome-ignore format: by part of the face
export const READ_COEFFICIENTS = [
  'browDownLeft', 'browDownRight', 'browInnerUp', 'browOuterUpLeft', 'browOuterUpRight',
  'cheekPuff', 'cheekSquintLeft', 'cheekSquintRight',
  'eyeBlinkLeft', 'eyeBlinkRight', 'eyeLookDownLeft', 'eyeLookDownRight', 'eyeLookInLeft', 'eyeLookInRight',
  'eyeLookOutLeft', 'eyeLookOutRight', 'eyeLookUpLeft', 'eyeLookUpRight', 'eyeSquintLeft', 'eyeSquintRight',
  'eyeWideLeft', 'eyeWideRight',
  'jawForward', 'jawLeft', 'jawOpen', 'jawRight',
  'mouthClose', 'mouthDimpleLeft', 'mouthDimpleRight', 'mouthFrownLeft', 'mouthFrownRight', 'mouthFunnel', 'mouthLeft',
  'mouthLowerDownLeft', 'mouthLowerDownRight', 'mouthPressLeft', 'mouthPressRight', 'mouthPucker', 'mouthRight',
  'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper', 'mouthSmileLeft', 'mouthSmileRight',
  'mouthStretchLeft', 'mouthStretchRight', 'mouthUpperUpLeft', 'mouthUpperUpRight',
  'noseSneerLeft', 'noseSneerRight',
] as const

/** Parts of the registered frame that are looked at closely: middle and px of the frame to a px of the crop; both lie about the middle column. */
const LOOKS = {
  eyes: { left: 40, top: 44, step: 1.5, columns: 96, rows: 48 },
  mouth: { left: 48, top: 104, step: 1.6, columns: 80, rows: 64 },
} as const

type Look = keyof typeof LOOKS

const CHANNELS = [16, 40, 80, 128] as const
const KERNELS = [5, 3, 3, 3] as const
const NARROW = 32
/** Numbers that each look gives. */
const LOOK_FEATURES = 48
const HIDDEN = 256
const SLOPE = 0.1
const POSITION_UNIT = 100
/** Angles come in units of this many degrees. */
export const POSE_UNIT = 30

/** What {@link coefficientNetwork} builds. */
export interface CoefficientConfig {
  /** Side of the registered frame, px. */
  readonly size: number
  /** Numbers that the mesh is mapped to; see `coefficientConfig`. */
  readonly meshFeatures: number
  /** As of `RegisteredMeshesConfig`. */
  readonly ncc: Float32Array
}

/** Inputs of {@link coefficientNetwork}. */
export interface CoefficientInputs {
  /** RGBA8 of the registered frame. */
  readonly frame: Value
  /** 1 x 1 x 468 x 3, template px: its mesh. */
  readonly mesh: Value
  /** `coefficientLooks`, packed. */
  readonly looks: Readonly<Record<Look, Value>>
  /** 2 x 1 x 1 x f: `features` of the same person at rest; anything where they are not known. */
  readonly rest: Value
  /** 2 x 1 x 1 x 1: 1 where `rest` is known, else 0. */
  readonly known: Value
  /** 2 x 1 x 1 x f: the same for each of its numbers. */
  readonly mask: Value
}

/** Of the frame and of its mirror image, whose left is the frame's right. */
export interface CoefficientValues {
  /** 2 x 1 x 1 x f. */
  readonly features: Value
  /** 2 x 1 x 1 x 51, in the order of READ_COEFFICIENTS; to be held in [0, 1]. */
  readonly coefficients: Value
  /** 2 x 1 x 1 x 51: logits that a coefficient is off by no more than 0.15. */
  readonly confidence: Value
  /**
   * 2 x 1 x 1 x 3: yaw, pitch and roll / POSE_UNIT, signs of `RigidMotion`; yaw and pitch against the ray to the face, roll in the
   * registered frame.
   */
  readonly pose: Value
}

const what = 'coefficient network'

/** How many numbers `features` has, f. */
export function coefficientFeatures({ meshFeatures }: Pick<CoefficientConfig, 'meshFeatures'>): number {
  return meshFeatures + 2 * LOOK_FEATURES
}

/**
 * The coefficients of a registered face: a linear map of its mesh and convolutions over its eyes and brows, its mouth and cheeks; with them,
 * where it is known, what differs from the person at rest. Weights: coefficients.safetensors.
 * @throws EngineError INVALID_ARGUMENT for another configuration; INVALID_GRAPH if the shapes do not fit
 */
export function coefficientNetwork(
  graph: GraphBuilder,
  name: string,
  inputs: CoefficientInputs,
  config: CoefficientConfig,
): CoefficientValues {
  checkArguments(what, { size: whole(), meshFeatures: whole(), ncc: finiteFloats }, config)
  checkArguments(what, { inputs: list(anything, 6) }, { inputs: Object.values(inputs) })
  // In f32: it is small, and a hundredth of a lid's opening is a coefficient's.
  return checkedBuilder(graph).precise(() => networkOf(graph, name, inputs, config))
}

function networkOf(
  graph: GraphBuilder,
  name: string,
  { frame, mesh, looks, rest, known, mask }: CoefficientInputs,
  { size, meshFeatures, ncc }: CoefficientConfig,
): CoefficientValues {
  const full = (layer: string, input: Value, outChannels: number): Value =>
    fullyConnected(graph, `${name} ${layer}`, input, {
      weight: `${layer}.weight`,
      bias: `${layer}.bias`,
      outChannels,
    })
  const active = (layer: string, value: Value): Value =>
    leakyRelu(graph, `${name} ${layer} act`, value, SLOPE)

  const mirrored = affineVertices(graph, `${name} mirrored mesh`, mesh, {
    scale: [-1, 1, 1],
    offset: [size, 0, 0],
    order: mirroredVertices(ncc),
  })
  const places = vertexAttributes(
    graph,
    `${name} places`,
    [batchConcat(graph, `${name} meshes`, [mesh, mirrored])],
    [{ kind: 'position', scale: 1 / POSITION_UNIT, origin: [size / 2, size / 2, 0] }],
  )

  const seen = (look: Look): Value => {
    const { columns: width, rows: height } = LOOKS[look]
    const options = {
      width,
      height,
      border: 'black',
      scale: [2, 2, 2],
      offset: [-1, -1, -1],
      mirrored: true,
    } as const
    const crop = imageInput(graph, `${name} ${look}`, [{ pixels: frame, transform: looks[look] }], options)
    const layer = (map: Value, part: string, outChannels: number, kernel: number, stride: number): Value => {
      const weights = { weight: `${look}.${part}.weight`, bias: `${look}.${part}.bias` }
      const attrs = { ...weights, outChannels, kernel, stride, padding: kernel >> 1 }
      return active(`${look}.${part}`, conv2d(graph, `${name} ${look}.${part}`, map, attrs))
    }
    const map = CHANNELS.reduce<Value>(
      (below, channels, i) => layer(below, `conv.${i}`, channels, KERNELS[i] as number, 2),
      crop,
    )
    return active(`${look}.full`, full(`${look}.full`, layer(map, 'narrow', NARROW, 1, 1), LOOK_FEATURES))
  }

  const features = concat(graph, `${name} features`, [
    full('mesh', places, meshFeatures),
    seen('eyes'),
    seen('mouth'),
  ])
  const change = add(
    graph,
    `${name} change`,
    features,
    scale(graph, `${name} from rest`, rest, { scale: -1 }),
  )
  const told = multiply(graph, `${name} known change`, change, mask)
  const hidden = active(
    'hidden',
    full('hidden', concat(graph, `${name} all`, [features, told, known]), HIDDEN),
  )
  return {
    features,
    coefficients: full('out', hidden, READ_COEFFICIENTS.length),
    confidence: full('confidence', hidden, READ_COEFFICIENTS.length),
    pose: full('pose', concat(graph, `${name} pose inputs`, [hidden, features]), 3),
  }
}

/** Contents of the inputs `looks` for registered frames of this side. */
export function coefficientLooks(size: number): Readonly<Record<Look, ImageTransform>> {
  const transform = (look: Look): ImageTransform => {
    const { left, top, step } = LOOKS[look]
    // Bilinear, as in training.
    return { width: size, height: size, matrix: [step, 0, left, 0, step, top], taps: [1, 1] }
  }
  return { eyes: transform('eyes'), mouth: transform('mouth') }
}

/** Names and shapes of the weights. */
export function coefficientShapes(meshFeatures: number, vertices: number): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>()
  const layer = (name: string, outputs: number, ...inputs: readonly number[]) => {
    shapes.set(`${name}.weight`, [outputs, ...inputs])
    shapes.set(`${name}.bias`, [outputs])
  }
  layer('mesh', meshFeatures, 3 * vertices)
  for (const [look, { columns, rows }] of Object.entries(LOOKS)) {
    CHANNELS.forEach((channels, i) => {
      const kernel = KERNELS[i] as number
      layer(`${look}.conv.${i}`, channels, CHANNELS[i - 1] ?? 3, kernel, kernel)
    })
    layer(`${look}.narrow`, NARROW, CHANNELS[3], 1, 1)
    layer(`${look}.full`, LOOK_FEATURES, (NARROW * columns * rows) / 16 ** 2)
  }
  const features = coefficientFeatures({ meshFeatures })
  layer('hidden', HIDDEN, 2 * features + 1)
  layer('out', READ_COEFFICIENTS.length, HIDDEN)
  layer('confidence', READ_COEFFICIENTS.length, HIDDEN)
  layer('pose', 3, HIDDEN + features)
  return shapes
}

/** Numbers that a weight file maps the mesh to, by the length of its bias; 0 where that is missing. */
export function coefficientMeshFeatures(
  entries: readonly { readonly name: string; readonly shape: readonly number[] }[],
): number {
  return entries.find(({ name }) => name === 'mesh.bias')?.shape[0] ?? 0
}
