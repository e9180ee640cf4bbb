import { FaceError } from '../errors.js'
import type { Template } from '../geometry/template.js'
import { MESH_VERTICES } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Extent } from '../nets/face-extent.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { WeightFile } from '../weights/weight-file.js'
import { type DepthFile, depthFileName, readDepthFile } from './depth-file.js'
import { type FaceExtent, readFaceExtent } from './face-extent-file.js'
import { type OcclusionFile, readOcclusionFile } from './occlusion-file.js'
import { loadTemplate } from './register/template-file.js'
import type { WeightsInfo } from './types.js'

/** Triangles of the canonical face. */
const TRIANGLES = 898

/** What the face level runs on: networks, canonical face, template. */
export interface NetworkFiles {
  readonly detector: WeightFile
  /** Landmarks of photos, lips and eyes refined. */
  readonly landmarks: WeightFile
  /** 3DMeshReg on registered frames, tuned for them. */
  readonly meshRegressor: WeightFile
  readonly dffnet: WeightFile
  readonly dffnetConfig: { readonly a: number; readonly meshPrior: boolean; readonly fineMatching: boolean }
  /** Depth from motion; undefined where dz stays DFFNet's. */
  readonly depth: DepthFile | undefined
  /** Tells what is hidden, and where the flow is right; by the flows of both directions. */
  readonly occlusion: OcclusionFile
  readonly info: WeightsInfo
  /** The ring about the mesh; undefined where the face ends with the mesh. */
  readonly extent: FaceExtent | undefined
  readonly template: Template
  readonly triangles: Uint32Array
  /** 468x3 in [0, 1]: colour of each vertex in the PNCC. */
  readonly ncc: Float32Array
  /** 468x2, texture coordinates of the canonical face. */
  readonly uv: Float32Array
}

/**
 * Names of the networks in the package, the default first: the accurate one, a small one for weak machines, and the small one with weights
 * of 8 bits for small downloads, those of the mesh networks included.
 */
export const SHIPPED_NETWORKS = ['dffnet-m', 'dffnet-m-small', 'dffnet-m-small-8bit'] as const

/** How files of 8 bits are called. */
const EIGHT_BIT = '-8bit'

/**
 * Reads and checks all weight files.
 * @param network a DFFNet weight file, or one of `SHIPPED_NETWORKS`; default the first of them
 * @param depth where dz comes from; default `motion` where a file for it lies beside the DFFNet's
 * @param source where the package's own files are, and how they are read
 * @param extent how far the face reaches; default `face` where the network has the mesh prior
 * @throws EngineError or FaceError INVALID_WEIGHTS naming file, tensor and remedy; FaceError UNSUPPORTED for the extent `face` of a
 * network without the mesh prior; the signal's reason
 */
export async function loadNetworkFiles(
  network: string = SHIPPED_NETWORKS[0],
  depth?: DepthSource,
  source: ShippedFiles = {},
  extent?: Extent,
): Promise<NetworkFiles> {
  const shipped = (name: string) => readSafetensors(shippedWeights(`${name}.safetensors`, source), source)
  const isSmallDownload = isShipped(network) && network.endsWith(EIGHT_BIT)
  const meshNetwork = (name: string) => shipped(isSmallDownload ? `${name}${EIGHT_BIT}` : name)
  const [flowNetwork, occlusion, detector, landmarks, meshRegressor, canonical, template] = await Promise.all(
    [
      readFlowNetwork(network, depth, source),
      readOcclusionFile(source),
      // In 8 bits it moves landmarks by half a pixel and saves 83 kB.
      shipped('face-detector'),
      meshNetwork('mesh-regressor-attention'),
      meshNetwork('registered-mesh-regressor'),
      shipped('canonical-face'),
      loadTemplate(undefined, source),
    ],
  )
  const triangles = Uint32Array.from(canonical.indices('triangles', [TRIANGLES, 3]))
  const ncc = normalisedCoordinates(canonical.tensor('positions', [MESH_VERTICES, 3]), template)
  return {
    ...flowNetwork,
    extent: await extentOf(flowNetwork, { triangles, ncc }, source, extent),
    occlusion,
    detector,
    landmarks,
    meshRegressor,
    template,
    triangles,
    ncc,
    uv: canonical.tensor('uv', [MESH_VERTICES, 2]),
  }
}

/**
 * What results of a network will say about it; opens no device.
 * @param network, depth, extent as in {@link loadNetworkFiles}
 * @throws EngineError or FaceError INVALID_WEIGHTS naming file, tensor and remedy
 */
export async function describeNetwork(
  network: string = SHIPPED_NETWORKS[0],
  depth?: DepthSource,
  extent?: Extent,
): Promise<{
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
  readonly extent: Extent
}> {
  const files = await readFlowNetwork(network, depth, {})
  return {
    weights: files.info,
    depthSource: files.depth === undefined ? 'network' : 'motion',
    extent: checkedExtent(files, extent),
  }
}

async function readFlowNetwork(
  network: string,
  depth: DepthSource | undefined,
  source: ShippedFiles,
): Promise<Pick<NetworkFiles, 'dffnet' | 'dffnetConfig' | 'depth' | 'info'>> {
  const file = dffnetFile(network, source)
  const dffnet = await readSafetensors(file, source)
  const dffnetConfig = readDffnetConfig(dffnet)
  const facts = { ...dffnetConfig, name: dffnet.metadata.network }
  const depthFile = await readDepthFile(file, facts, depth, depthPath(network, file, source), source)
  return {
    dffnet,
    dffnetConfig,
    depth: depthFile,
    info: {
      name: isShipped(network) ? network : (dffnet.metadata.network ?? dffnet.name),
      hash: dffnet.hash,
      depthHash: depthFile?.weights.hash ?? null,
      // The file of the later stage states the error with it.
      epe: measuredEpe(depthFile?.weights.metadata.epe) ?? measuredEpe(dffnet.metadata.epe),
    },
  }
}

async function extentOf(
  network: Pick<NetworkFiles, 'dffnetConfig' | 'info'>,
  mesh: Pick<NetworkFiles, 'triangles' | 'ncc'>,
  source: ShippedFiles,
  extent: Extent | undefined,
): Promise<FaceExtent | undefined> {
  return checkedExtent(network, extent) === 'face' ? await readFaceExtent(mesh, source) : undefined
}

/** @throws FaceError UNSUPPORTED */
function checkedExtent(
  { dffnetConfig, info }: Pick<NetworkFiles, 'dffnetConfig' | 'info'>,
  extent: Extent | undefined,
): Extent {
  if (dffnetConfig.meshPrior || extent !== 'face') return extent ?? (dffnetConfig.meshPrior ? 'face' : 'mesh')
  throw new FaceError(
    'UNSUPPORTED',
    `${info.name} does not see the mesh of B, which the face beyond the mesh is moved by; leave extent out, or take ${SHIPPED_NETWORKS[0]}`,
    { extent },
  )
}

/** Weakly held: an engine keeps no weights that nobody uses. */
const BY_ENGINE = new WeakMap<Engine, Map<string, WeakRef<NetworkFiles>>>()

/** Files with the same contents that the engine had before, if they are in use: plans of one source share weights on the device. */
export function sharedFiles(engine: Engine, files: NetworkFiles): NetworkFiles {
  const { detector, landmarks, meshRegressor, dffnet, depth, occlusion, extent, info } = files
  const known = BY_ENGINE.get(engine) ?? new Map<string, WeakRef<NetworkFiles>>()
  BY_ENGINE.set(engine, known)
  const parts = [
    ...[detector, landmarks, meshRegressor, dffnet],
    ...[depth, occlusion, extent].map((part) => part?.weights),
  ]
  const key = [info.name, ...parts.map((file) => file?.hash)].join()
  const before = known.get(key)?.deref()
  if (before !== undefined) return before
  known.set(key, new WeakRef(files))
  return files
}

function isShipped(network: string): boolean {
  return (SHIPPED_NETWORKS as readonly string[]).includes(network)
}

function depthPath(network: string, dffnet: string, source: ShippedFiles): string {
  return isShipped(network) ? shippedWeights(depthFileName(network), source) : depthFileName(dffnet)
}

function dffnetFile(network: string, source: ShippedFiles): string {
  if (isShipped(network)) return shippedWeights(`${network}.safetensors`, source)
  // A word without dot and slash was meant as a name.
  if (/^[\w-]+$/.test(network)) {
    throw new FaceError(
      'INVALID_WEIGHTS',
      `the package has no network "${network}"; choose from ${SHIPPED_NETWORKS.join(', ')}, or give a .safetensors file`,
    )
  }
  return network
}

function readDffnetConfig(file: WeightFile): NetworkFiles['dffnetConfig'] {
  const a = Number(file.metadata.a)
  const prior = Number(file.metadata.prior)
  if (!(a > 0) || (prior !== 0 && prior !== 4)) {
    throw new FaceError(
      'INVALID_WEIGHTS',
      `${file.name} is no DFFNet weight file (width a = ${file.metadata.a}, prior = ${file.metadata.prior}); ` +
        'give a file written by the trainer',
      { file: file.name },
    )
  }
  return { a, meshPrior: prior === 4, fineMatching: file.metadata.fine_matching === '1' }
}

/**
 * Error that a weight file states for itself.
 * @param json by test set, `{"rendered-...": {"epe3d": ...}, ...}`; the rendered set stands for the network
 * @returns template px; null if the file states none
 */
export function measuredEpe(json: string | undefined): number | null {
  try {
    const table = JSON.parse(json ?? '{}') as Record<string, { readonly epe3d?: unknown } | null>
    const rendered = Object.entries(table).find(([set]) => set.startsWith('rendered'))
    const epe = rendered?.[1]?.epe3d
    return typeof epe === 'number' && Number.isFinite(epe) ? epe : null
  } catch {
    return null
  }
}

/** Normalised coordinates code (Zhu et al. 2016): the canonical position of a vertex in the canonical face's box. */
function normalisedCoordinates(positions: Float32Array, { ncc }: Template): Float32Array {
  return positions.map((value, i) => {
    const axis = i % 3
    const low = ncc.min[axis] as number
    return (value - low) / ((ncc.max[axis] as number) - low)
  })
}
