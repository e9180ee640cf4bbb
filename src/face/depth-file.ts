import { FaceError } from '../errors.js'
import { MESH_VERTICES } from '../geometry/types.js'
import {
  DEPTH_NETWORK,
  DEPTH_SLOPE,
  type DepthFromMotionConfig,
  type DepthSource,
  depthFromMotionConfig,
  depthFromMotionShapes,
  POSITION_UNIT,
} from '../nets/depth-from-motion.js'
import { FLOW_UNIT } from '../nets/dffnet.js'
import { VERTEX_MOTION } from '../ops/mesh/vertex-motion.js'
import { fileExists, type ReadOptions } from '../platform/index.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { WeightFile } from '../weights/weight-file.js'

/** Depth from motion for the flows of one DFFNet. */
export interface DepthFile {
  readonly weights: WeightFile
  readonly config: DepthFromMotionConfig
}

/** What the file must fit. */
export interface FlowNetwork {
  /** As its weight file states it; undefined: it does not. */
  readonly name: string | undefined
  readonly meshPrior: boolean
}

const REMEDY = 'or do without it: depth "network" (--depth network)'

/** `x-depth.safetensors` for `x.safetensors`. */
export function depthFileName(dffnet: string): string {
  return `${dffnet.replace(/\.safetensors$/, '')}-depth.safetensors`
}

/**
 * Reads and checks the file of depth from motion that lies beside a DFFNet weight file.
 * @param dffnet path of the DFFNet weight file
 * @param network its name, and whether it has the mesh prior
 * @param source `motion`: the file must be there; undefined: it may; `network`: it is not looked for
 * @param path of the file; default: beside the DFFNet's
 * @returns undefined where dz stays the network's, and dx and dy what the refinement makes of them
 * @throws FaceError or EngineError INVALID_WEIGHTS naming the file and the remedy
 */
export async function readDepthFile(
  dffnet: string,
  network: FlowNetwork,
  source: DepthSource | undefined,
  path = depthFileName(dffnet),
  options: ReadOptions = {},
): Promise<DepthFile | undefined> {
  if (source === 'network') return undefined
  if (!(await fileExists(path))) {
    if (source === undefined) return undefined
    throw new FaceError(
      'INVALID_WEIGHTS',
      `${path}: there is no such file, and depth from motion needs it beside ${dffnet}; train it (training/README.md), ${REMEDY}`,
      { file: path },
    )
  }
  const weights = await readSafetensors(path, options)
  return { weights, config: checked(weights, dffnet, network) }
}

function checked(
  file: WeightFile,
  dffnet: string,
  { name: network, meshPrior }: FlowNetwork,
): DepthFromMotionConfig {
  const misfit = (problem: string): FaceError =>
    new FaceError(
      'INVALID_WEIGHTS',
      `${file.name}: ${problem}; put the file there that was trained on the flows of ${dffnet}, ${REMEDY}`,
      { file: file.name },
    )
  const { metadata } = file
  if (metadata.network !== DEPTH_NETWORK) {
    throw misfit(`holds the network ${metadata.network ?? 'of no name'}, not ${DEPTH_NETWORK}`)
  }
  const priors = { file: metadata.prior !== '0', dffnet: meshPrior }
  if (priors.file !== priors.dffnet) {
    const words = (prior: boolean) => (prior ? 'with' : 'without')
    throw misfit(
      `is for a network ${words(priors.file)} the mesh prior, ${dffnet} is one ${words(priors.dffnet)}`,
    )
  }
  const flowsOf = metadata.flows_of
  if (flowsOf !== undefined && network !== undefined && flowsOf !== network) {
    throw misfit(`was trained on the flows of ${flowsOf}, ${dffnet} holds ${network}`)
  }
  const constants = {
    unit: FLOW_UNIT,
    position_unit: POSITION_UNIT,
    slope: DEPTH_SLOPE,
    least_cover: VERTEX_MOTION.leastCover,
  }
  for (const [key, value] of Object.entries(constants)) {
    if (Number(metadata[key]) !== value) {
      throw misfit(`was made with ${key} = ${metadata[key]}, this version has ${value}`)
    }
  }
  const shapeOf = new Map(file.entries().map(({ name, shape }) => [name, shape]))
  const config = depthFromMotionConfig(file.entries(), MESH_VERTICES)
  for (const [name, shape] of depthFromMotionShapes(config, meshPrior, MESH_VERTICES)) {
    const own = shapeOf.get(name)
    if (shape.includes(0) || own?.join() !== shape.join()) {
      throw misfit(`tensor "${name}" ${own ? `has shape [${own}], needed is [${shape}]` : 'is missing'}`)
    }
  }
  return config
}
