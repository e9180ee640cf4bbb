import { FaceError } from '../errors.js'
import { FLOW_UNIT } from '../nets/dffnet.js'
import { OCCLUSION_NETWORK, OCCLUSION_SLOPE, occlusionShapes } from '../nets/occlusion.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { WeightFile } from '../weights/weight-file.js'

/** What the face level knows of the occlusion network. */
export interface OcclusionFile {
  readonly weights: WeightFile
  /** Probability from which on a pixel is called hidden: on training pairs as many are called so as are. */
  readonly limit: number
}

/**
 * Reads and checks the occlusion network; one file serves the flows of all networks.
 * @throws EngineError or FaceError INVALID_WEIGHTS naming the file and the remedy
 */
export async function readOcclusionFile(source: ShippedFiles): Promise<OcclusionFile> {
  const weights = await readSafetensors(shippedWeights(`${OCCLUSION_NETWORK}.safetensors`, source), source)
  const misfit = (problem: string): FaceError =>
    new FaceError(
      'INVALID_WEIGHTS',
      `${weights.name}: ${problem}; take the file that came with this version of the package`,
      { file: weights.name },
    )
  const { metadata } = weights
  if (metadata.network !== OCCLUSION_NETWORK) {
    throw misfit(`holds the network ${metadata.network ?? 'of no name'}, not ${OCCLUSION_NETWORK}`)
  }
  for (const [key, value] of Object.entries({ unit: FLOW_UNIT, slope: OCCLUSION_SLOPE })) {
    if (Number(metadata[key]) !== value) {
      throw misfit(`was made with ${key} = ${metadata[key]}, this version has ${value}`)
    }
  }
  const limit = Number(metadata.limit)
  if (!(limit > 0 && limit < 1)) throw misfit(`limit "${metadata.limit}" is no probability between 0 and 1`)
  const shapeOf = new Map(weights.entries().map(({ name, shape }) => [name, shape]))
  for (const [name, shape] of occlusionShapes()) {
    const own = shapeOf.get(name)
    if (own?.join() !== shape.join()) {
      throw misfit(`tensor "${name}" ${own ? `has shape [${own}], needed is [${shape}]` : 'is missing'}`)
    }
  }
  return { weights, limit }
}
