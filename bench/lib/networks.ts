import { join } from 'node:path'
import { type DepthFile, readDepthFile } from '../../src/face/depth-file.js'
import { type FaceExtent, readFaceExtent } from '../../src/face/face-extent-file.js'
import { readOcclusionFile } from '../../src/face/occlusion-file.js'
import { OPENING_GAPS } from '../../src/face/register/openings.js'
import { loadTemplate } from '../../src/face/register/template-file.js'
import { DEFAULT_REFINEMENT } from '../../src/face/types.js'
import { MESH_VERTICES } from '../../src/geometry/types.js'
import { type Graph, GraphBuilder } from '../../src/graph/graph.js'
import type { WeightSource } from '../../src/graph/op.js'
import type { DepthSource } from '../../src/nets/depth-from-motion.js'
import { dffnet } from '../../src/nets/dffnet.js'
import type { Extent } from '../../src/nets/face-extent.js'
import type { Refinement } from '../../src/nets/refinement.js'
import {
  REGISTERED_INPUTS,
  type RegisteredFlowConfig,
  registeredFlows,
  registeredInputNames,
} from '../../src/nets/registered-flow.js'
import { registeredRoiTransform } from '../../src/nets/registered-meshes.js'
import { packImageTransform } from '../../src/ops/image/image-input.js'
import { GOAL_NUMBERS } from '../../src/ops/mesh/lead-vertices.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import type { WeightFile } from '../../src/weights/weight-file.js'

export interface NetworkChoice {
  /** Width multiplier of DFFNet. */
  readonly a: number
  /** With the mesh prior, as the shipped network has it. */
  readonly meshPrior: boolean
  /** Matching at three resolutions, as the shipped networks have it (default); false: at one, as the table of the peers. */
  readonly fineMatching?: boolean
  /** Where dz comes from; the library's default if absent. */
  readonly depth?: DepthSource
  /** What follows; the library's default if absent. */
  readonly refinement?: Refinement
  /** How far the face reaches; the library's default if absent. */
  readonly extent?: Extent
  /** Side of the template frame, px; 224 but for cost models. */
  readonly size?: number
  /** Pairs of one run; default 1. */
  readonly batch?: number
  /** Pairs of a batch have the second frame in common. */
  readonly sharedSecond?: boolean
  /** The way back too, and what is hidden by both. */
  readonly backward?: boolean
}

/** The shipped configuration. */
export const SHIPPED: NetworkChoice = { a: 0.375, meshPrior: true }

const root = (): string => packageFacts().root

/** Frames to flow in one graph, as the face level runs it; outputs the dense maps alone. */
export async function registeredGraph(choice: NetworkChoice): Promise<Graph> {
  const graph = new GraphBuilder(`registered pair a=${choice.a}`)
  const { forward, backward, occlusion } = registeredFlows(graph, await registeredConfig(choice))
  outputTensor(graph, 'flow', forward.flow)
  if (choice.backward) {
    outputTensor(graph, 'backwardFlow', backward.flow)
    outputTensor(graph, 'occlusion', occlusion.maps)
  }
  return graph.build()
}

async function registeredConfig(choice: NetworkChoice): Promise<RegisteredFlowConfig> {
  const [template, face, depth] = await Promise.all([
    loadTemplate(),
    readSafetensors(join(root(), 'weights', 'canonical-face.safetensors')),
    shippedDepth(choice),
  ])
  const positions = face.tensor('positions', [468, 3])
  const extent = await shippedExtent(choice)
  const { min, max } = template.ncc
  const size = choice.size ?? template.size
  const scale = size / template.size
  const { cx, cy, side } = template.regressorRoi
  return {
    size,
    a: choice.a,
    meshPrior: choice.meshPrior,
    fineMatching: choice.fineMatching ?? true,
    ...(depth && { depth: depth.config }),
    refinement: choice.refinement ?? DEFAULT_REFINEMENT,
    ...(extent && { extent: extent.config }),
    ...(choice.batch && { batch: choice.batch }),
    ...(choice.sharedSecond && { sharedSecond: true }),
    openings: OPENING_GAPS,
    lead: true,
    regressorRoi: { cx: cx * scale, cy: cy * scale, side: side * scale },
    triangles: Uint32Array.from(face.indices('triangles', [898, 3])),
    ncc: positions.map((value, i) => {
      const axis = i % 3
      return (value - (min[axis] as number)) / ((max[axis] as number) - (min[axis] as number))
    }),
  }
}

/** DFFNet alone: images and encoding as dense tensors, the full-resolution flow in its own unit. */
export function dffnetGraph({ a, meshPrior, fineMatching = true, size = 224 }: NetworkChoice): Graph {
  const graph = new GraphBuilder(`dffnet a=${a}`)
  const encodingChannels = meshPrior ? 7 : 3
  const images = inputTensor(graph, 'images', { n: 2, h: size, w: size, c: 3 })
  const encoding = inputTensor(graph, 'encoding', { n: 1, h: size, w: size, c: encodingChannels })
  const flow = dffnet(graph, images, encoding, { a, encodingChannels, fineMatching }).at(-1)
  if (flow === undefined) throw new TypeError('dffnet has seven outputs')
  outputTensor(graph, 'flow', flow)
  return graph.build()
}

/** Weights of the whole chain: the files of the package, or seeded random ones where no file has that width. */
export async function networkWeights(choice: NetworkChoice): Promise<WeightSource> {
  const regressor = await readSafetensors(join(root(), 'weights', 'registered-mesh-regressor.safetensors'))
  const [shipped, depth] = [await shippedDffnet(choice), await shippedDepth(choice)]
  const extent = await shippedExtent(choice)
  const { weights: occlusion } = await readOcclusionFile({})
  return {
    tensor(name, shape) {
      if (occlusion.has(name)) return occlusion.tensor(name, shape)
      if (regressor.has(name)) return regressor.tensor(name, shape)
      if (depth?.weights.has(name)) return depth.weights.tensor(name, shape)
      if (extent?.weights.has(name)) return extent.weights.tensor(name, shape)
      return shipped?.tensor(name, shape) ?? seededWeights(name, shape)
    },
  }
}

/** Depth from motion has one size at every width of DFFNet. */
async function shippedDepth({ meshPrior, depth }: NetworkChoice): Promise<DepthFile | undefined> {
  return await readDepthFile(dffnetFile(meshPrior), { name: undefined, meshPrior }, depth)
}

/** Its colours are of no matter: they go into no network. */
async function shippedExtent({ meshPrior, extent = 'face' }: NetworkChoice): Promise<FaceExtent | undefined> {
  const mesh = { triangles: new Uint32Array(), ncc: new Float32Array(468 * 3) }
  return meshPrior && extent === 'face' ? await readFaceExtent(mesh, {}) : undefined
}

function dffnetFile(meshPrior: boolean): string {
  return join(root(), 'weights', meshPrior ? 'dffnet-m.safetensors' : 'dffnet.safetensors')
}

async function shippedDffnet(choice: NetworkChoice): Promise<WeightFile | undefined> {
  if (!choice.meshPrior) return undefined
  const file = await readSafetensors(dffnetFile(choice.meshPrior))
  const fits =
    Number(file.note('a')) === choice.a &&
    (file.metadata.fine_matching === '1') === (choice.fineMatching ?? true)
  return fits ? file : undefined
}

/** Uniform values of He's variance (for LeakyReLU 0.1) from a hash of name and position; small predictions. */
export function seededWeights(name: string, shape: readonly number[]): Float32Array {
  const [out = 1, input = 1, height = 1, width = 1] = shape
  const fanIn = name.startsWith('up.') ? out * 4 : input * height * width
  const bound = name.endsWith('.bias')
    ? 0.05
    : Math.sqrt(6 / (1.01 * fanIn)) * (name.startsWith('predict.') ? 0.1 : 1)
  let seed = 2166136261
  for (const char of name) seed = Math.imul(seed ^ char.charCodeAt(0), 16777619)
  const size = shape.reduce((product, d) => product * d, 1)
  return Float32Array.from({ length: size }, (_, i) => {
    let x = (seed + Math.imul(i, 0x9e3779b9)) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
    return (((x ^ (x >>> 16)) >>> 8) / 2 ** 23 - 1) * bound
  })
}

/** A real pair of registered frames, for each pair of a batch, and the constant crop of 3DMeshReg, as plan inputs. */
export async function registeredInputs(
  choice: NetworkChoice,
): Promise<Record<string, Uint8Array | Float32Array>> {
  const config = await registeredConfig(choice)
  const frame = async (which: 1 | 2): Promise<Uint8Array> => {
    const photo = await decodePhoto(join(root(), 'test', 'fixtures', 'dffnet', `pair0-${which}.png`))
    if (photo.width !== config.size)
      throw new RangeError(`the frames of the fixtures are ${photo.width} px wide`)
    return new Uint8Array(photo.data)
  }
  const [first, second] = [await frame(1), await frame(2)]
  return {
    ...Object.fromEntries(
      registeredInputNames(choice.batch, choice.sharedSecond).flatMap(({ i1, i2 }) => [
        [i1, first],
        [i2, second],
      ]),
    ),
    [REGISTERED_INPUTS.roi]: packImageTransform(registeredRoiTransform(config)),
    [REGISTERED_INPUTS.openings]: someOpenings(config),
    // Meshes that stay cost what others do.
    [REGISTERED_INPUTS.goals]: new Float32Array(2 * (choice.batch ?? 1) * MESH_VERTICES * GOAL_NUMBERS),
  }
}

/** In the order they run. */
export const STAGES = [
  '3DMeshReg',
  'raster + PNCC',
  'DFFNet',
  'beyond the mesh',
  'refinement',
  'depth from motion',
  'what is hidden',
] as const
export type Stage = (typeof STAGES)[number]

const RASTER_NODES = new Set([
  ...['mesh A', 'mesh B', 'led meshes', 'led mesh A', 'led mesh B'],
  ...['fragments', 'attributes', 'encoding'],
])
const FLOW_NODES = new Set(['images', 'mask', 'flow'])
const EXTENT_NODES = /^extended /
const DEPTH_NODES = /^depth[ .]/
const OCCLUSION_NODES = /^occlusion\b/
const REFINEMENT_NODES = /^refined flow\b/

/** Stage of a node of the registered pair's graph. */
export function stageOf(choice: NetworkChoice): (node: string) => Stage {
  const network = new Set(dffnetGraph(choice).nodes.map(({ name }) => name))
  return (node) => {
    if (RASTER_NODES.has(node)) return 'raster + PNCC'
    if (EXTENT_NODES.test(node)) return 'beyond the mesh'
    if (OCCLUSION_NODES.test(node)) return 'what is hidden'
    if (DEPTH_NODES.test(node)) return 'depth from motion'
    if (REFINEMENT_NODES.test(node)) return 'refinement'
    if (network.has(node) || FLOW_NODES.has(node)) return 'DFFNet'
    return '3DMeshReg'
  }
}

/** Name of the graph node that a step belongs to. */
export function nodeOf(stepName: string): string {
  return stepName.replace(/#\d+$/, '')
}

/** Gaps in two rows across the face, as many pixels beside them as beside eyes and mouth. */
function someOpenings({ size, batch = 1 }: RegisteredFlowConfig): Float32Array {
  const rows = [-1, 1, -1, 1].flatMap((skin) =>
    Array.from({ length: OPENING_GAPS }, (_, gap) => {
      const [column, row] = [gap % 12, gap < 12 ? 0.45 : 0.7]
      return [(size * (6 + column)) / 24, size * row, 0, skin]
    }),
  )
  return Float32Array.from(Array.from({ length: batch }, () => rows.flat()).flat())
}
