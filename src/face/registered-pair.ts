import { at } from '../geometry/array.js'
import { similarityResidual } from '../geometry/similarity.js'
import type { Template } from '../geometry/template.js'
import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { GraphBuilder, type Value } from '../graph/graph.js'
import type { WeightSource } from '../graph/op.js'
import type { Refinement } from '../nets/refinement.js'
import {
  REGISTERED_INPUTS,
  type RegisteredFlowConfig,
  registeredFlows,
  registeredInputNames,
} from '../nets/registered-flow.js'
import { registeredRoiTransform } from '../nets/registered-meshes.js'
import { packImageTransform } from '../ops/image/image-input.js'
import { GOAL_NUMBERS } from '../ops/mesh/lead-vertices.js'
import { outputTensor } from '../ops/tensor/border.js'
import type { RegisteredFace } from '../products/warnings.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import { Plan, type PlanInputs, type PlanTargets } from '../runtime/plan.js'
import type { PlanOutputs } from '../runtime/readback.js'
import type { NetworkFiles } from './network-files.js'
import type { FrameGuide } from './register/guided-frame.js'
import { landmarks68 } from './register/landmarks.js'
import { leadShares } from './register/lead-shares.js'
import { EDGE_NUMBERS, OPENING_GAPS } from './register/openings.js'
import { frameOf, type PendingFrame } from './register/pending-frame.js'
import { DEFAULT_REFINEMENT } from './types.js'

/** What the GPU computes for a registered pair. */
export interface PairOutputs {
  /** A and B, 224x224. */
  readonly frames: readonly [Rgba, Rgba]
  /** 224x224x3, as in `RegisteredFlowResult`. */
  readonly flow: Float32Array
  /** 224x224x4 of `rasterise`: the mesh of A and, where the face reaches beyond it, the ring about it. */
  readonly fragments: Float32Array
  /** 468x3, of A, as the mesh network sees it. */
  readonly mesh: Float32Array
  /** 468x3, of A, as it is drawn in `fragments`: led by the landmarks where those of both frames are known. */
  readonly drawnMesh: Float32Array
  /** 468x3, the landmarks of A, template px; undefined where they are not known. */
  readonly landmarksOfA: Float32Array | undefined
  /** 468x3, of B, as the mesh network sees it; undefined where it did not look. */
  readonly meshOfB: Float32Array | undefined
  /**
   * What the mesh network makes of each frame, A first; of A alone where the weights look at no mesh of B and the way back is
   * not computed.
   */
  readonly faces: readonly RegisteredFace[]
  /**
   * Of the way back: flow as above; masks 224x224, not 0 on the face of B and on its mesh. Of both ways: 224x224x2 of
   * `occlusionNetwork`.
   */
  readonly backward?: {
    readonly flow: Float32Array
    readonly occlusion: Float32Array
    readonly mask: Float32Array
    readonly meshMask: Float32Array
  }
}

/** Between such frames all is at rest, which the networks find only to a pixel. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

/** Of maps of `occlusionNetwork`: nothing is hidden, everything right. */
function surelySeen(maps: Float32Array): void {
  for (let i = 0; i < maps.length; i++) maps[i] = i % 2
}

/** Pairs of one run: see `RegisteredFlowConfig`. */
export type PairsLayout = Pick<RegisteredFlowConfig, 'batch' | 'sharedSecond'>

/** Pixels, or what computes them on the device; with a guide where the landmarks are known. */
export type PairFrame = (Rgba | PendingFrame) & { readonly guide?: FrameGuide }

function isPending(frame: PairFrame): frame is PairFrame & PendingFrame {
  return 'job' in frame
}

/** Where the pixels of a frame are, and its guide where the landmarks are known. */
export interface PlacedFrame {
  readonly place: ArrayBufferView | DeviceData
  readonly guide?: FrameGuide
}

function onDevice({ job, frameOutput }: PendingFrame): GPUBuffer {
  return job.plan.outputBuffer(frameOutput)
}

type Output =
  | 'flow'
  | 'fragments'
  | 'meshes'
  | 'drawnMesh'
  | 'flags'
  | 'backwardFlow'
  | 'backwardMask'
  | 'backwardMeshMask'
  | 'backwardOcclusion'
  // Of B, where only the way back has its mesh.
  | 'backwardMeshes'
  | 'backwardFlags'

/** Numbers a frame of those outputs that hold something of frames, of one or both a pair. */
const NUMBERS_OF_FRAME: Readonly<Partial<Record<string, number>>> = {
  meshes: MESH_VERTICES * 3,
  flags: 1,
  backwardMeshes: MESH_VERTICES * 3,
  backwardFlags: 1,
} satisfies Partial<Record<Output, number>>

const isBackward = (output: string): boolean => output.startsWith('backward')

/**
 * Registered frames in, flow out: 3DMeshReg, raster, PNCC, DFFNet, refinement and depth from motion, and all of it for the way
 * back, in one submission; of one pair, or of a batch.
 */
export class RegisteredPair {
  readonly #plan: Plan
  readonly #layout: Required<PairsLayout>
  readonly #roi: Float32Array
  readonly #template: Template
  /** See `leadShares`. */
  readonly #shares: Float64Array

  private constructor(
    plan: Plan,
    layout: Required<PairsLayout>,
    roi: Float32Array,
    { template, triangles }: NetworkFiles,
  ) {
    this.#plan = plan
    this.#layout = layout
    this.#roi = roi
    this.#template = template
    this.#shares = leadShares(triangles)
  }

  static async create(
    engine: Engine,
    files: NetworkFiles,
    refinement: Refinement,
    onProgress?: (done: number, total: number) => void,
    { batch = 1, sharedSecond = false }: PairsLayout = {},
  ): Promise<RegisteredPair> {
    const config = {
      ...registeredFlowConfig(files, refinement),
      batch,
      sharedSecond,
      openings: OPENING_GAPS,
      lead: true,
    }
    const kind = `${batch > 1 ? ` x ${batch}` : ''}${sharedSecond ? ' to one frame' : ''}`
    const graph = new GraphBuilder(`registered ${files.info.name}${kind}`)
    const { forward, backward, occlusion } = registeredFlows(graph, config)
    const outputs: Readonly<Partial<Record<Output, Value>>> = {
      flow: forward.flow,
      fragments: forward.fragments,
      meshes: forward.meshes,
      drawnMesh: forward.drawnMesh,
      flags: forward.flags,
      backwardFlow: backward.flow,
      backwardMask: backward.mask,
      backwardOcclusion: occlusion.maps,
      ...(config.extent && { backwardMeshMask: backward.meshMask }),
      ...(!config.meshPrior && { backwardMeshes: backward.meshes, backwardFlags: backward.flags }),
    }
    for (const [name, value] of Object.entries(outputs)) outputTensor(graph, name, value)
    const plan = await engine.compile(graph.build(), {
      weights: registeredFlowWeights(files),
      ...(onProgress && { onProgress }),
    })
    const roi = packImageTransform(registeredRoiTransform(config))
    return new RegisteredPair(plan, { batch, sharedSecond }, roi, files)
  }

  /**
   * @param pairs as many as the batch has, each of which gets the bits that it has alone; 224x224 frames. Those that are still to be
   * computed come first in the submission and stay on the device for it. Where the layout says so, the second one is the same in all
   * @param backward false: what only the way back needs is neither computed nor read
   */
  async compute(
    pairs: readonly (readonly [PairFrame, PairFrame])[],
    backward: boolean,
  ): Promise<PairOutputs[]> {
    const pending = pairs.flat().filter(isPending)
    const wanted = [...this.#plan.spec.outputs.keys()].filter((output) => backward || !isBackward(output))
    const placed = (frame: PairFrame): PlacedFrame => ({
      place: isPending(frame) ? onDevice(frame) : frame.data,
      ...(frame.guide && { guide: frame.guide }),
    })
    const inputs = this.#inputs(pairs.map(([a, b]) => [placed(a), placed(b)]))
    const results = await Plan.computeTogether([
      ...pending.map(({ job }) => job),
      { plan: this.#plan, inputs, outputs: wanted, only: true },
    ])
    const outputs = results.at(-1) as PlanOutputs
    const computed = new Map(pending.map((frame, i) => [frame, frameOf(frame, results[i] as PlanOutputs)]))
    const frame = (of: PairFrame): Rgba => (isPending(of) ? (computed.get(of) as Rgba) : of)
    return pairs.map(([a, b], pair) => {
      const own = this.#outputsOf(pair, outputs)
      return this.#pairOutputs([frame(a), frame(b)], own, backward, a.guide?.places)
    })
  }

  /** A pair's share of each output; meshes and flags of all frames are those of all A, then of all B. */
  #outputsOf(pair: number, outputs: PlanOutputs): Record<Output, Float32Array> {
    const { batch } = this.#layout
    if (batch === 1) return outputs as Record<Output, Float32Array>
    const share = (name: string, values: Float32Array): Float32Array => {
      const numbers = NUMBERS_OF_FRAME[name] ?? values.length / batch
      const sides = values.length / (numbers * batch)
      const own = new Float32Array(sides * numbers)
      for (let side = 0; side < sides; side++) {
        const from = (side * batch + pair) * numbers
        own.set(values.subarray(from, from + numbers), side * numbers)
      }
      return own
    }
    return Object.fromEntries(
      Object.entries(outputs).map(([name, values]) => [name, share(name, values as Float32Array)]),
    ) as Record<Output, Float32Array>
  }

  #pairOutputs(
    frames: readonly [Rgba, Rgba],
    outputs: Record<Output, Float32Array>,
    backward: boolean,
    landmarksOfA: Float32Array | undefined,
  ): PairOutputs {
    const { flow, fragments, meshes, drawnMesh, flags, backwardFlow, backwardMask } = outputs
    const { backwardMeshes, backwardFlags, backwardMeshMask = backwardMask, backwardOcclusion } = outputs
    if (sameBytes(frames[0].data, frames[1].data)) {
      flow.fill(0)
      backwardFlow?.fill(0)
      if (backward) surelySeen(backwardOcclusion)
    }
    return {
      frames,
      flow,
      fragments,
      mesh: meshes.subarray(0, MESH_VERTICES * 3),
      drawnMesh,
      landmarksOfA,
      meshOfB:
        backwardMeshes ??
        (meshes.length > MESH_VERTICES * 3 ? meshes.subarray(MESH_VERTICES * 3) : undefined),
      faces: [...this.#faces(meshes, flags), ...this.#faces(backwardMeshes, backwardFlags)],
      ...(backward && {
        backward: {
          ...{ flow: backwardFlow, occlusion: backwardOcclusion },
          ...{ mask: backwardMask, meshMask: backwardMeshMask },
        },
      }),
    }
  }

  /**
   * Leaves the flows on the device and reads nothing.
   * @returns settles when the device has accepted the commands
   */
  run(a: PlacedFrame, b: PlacedFrame, to: PlanTargets): Promise<void> {
    return this.#plan.run(this.#inputs([[a, b]]), { to, only: true })
  }

  #inputs(pairs: readonly (readonly [PlacedFrame, PlacedFrame])[]): PlanInputs {
    const { batch, sharedSecond } = this.#layout
    const openings = new Float32Array(batch * 2 * EDGE_NUMBERS)
    const goals = new Float32Array(2 * batch * MESH_VERTICES * GOAL_NUMBERS)
    const frames = registeredInputNames(batch, sharedSecond).flatMap(({ i1, i2 }, pair) => {
      const [a, b] = pairs[pair] as readonly [PlacedFrame, PlacedFrame]
      if (a.guide && b.guide) {
        openings.set(a.guide.edges, 2 * pair * EDGE_NUMBERS)
        openings.set(b.guide.edges, (2 * pair + 1) * EDGE_NUMBERS)
        // One alone led would differ from the other by more than the motion, where hidden vertices move by the difference.
        this.#setGoals(goals, pair, a.guide.places)
        this.#setGoals(goals, batch + pair, b.guide.places)
      }
      return [
        [i1, a.place],
        [i2, b.place],
      ]
    })
    const { roi } = REGISTERED_INPUTS
    // The region is written each time: 48 bytes, and a device that was lost and recovered has forgotten it.
    return {
      ...Object.fromEntries(frames),
      [roi]: this.#roi,
      [REGISTERED_INPUTS.openings]: openings,
      [REGISTERED_INPUTS.goals]: goals,
    }
  }

  #setGoals(goals: Float32Array, frame: number, places: Float32Array): void {
    for (const [v, share] of this.#shares.entries()) {
      const from = 3 * v
      goals.set([at(places, from), at(places, from + 1), share], (frame * MESH_VERTICES + v) * GOAL_NUMBERS)
    }
  }

  #faces(
    meshes: Float32Array = new Float32Array(),
    flags: Float32Array = new Float32Array(),
  ): RegisteredFace[] {
    return Array.from(flags, (flag, i) => ({
      presence: 1 / (1 + Math.exp(-flag)),
      offset: this.#offset(meshes.subarray(i * MESH_VERTICES * 3, (i + 1) * MESH_VERTICES * 3)),
    }))
  }

  #offset(mesh: Float32Array): number {
    const unmoved = { a: 1, b: 0, tx: 0, ty: 0 }
    return similarityResidual(unmoved, landmarks68(mesh), this.#template.landmarks68)
  }

  dispose(): void {
    this.#plan.dispose()
  }
}

/** The configuration of {@link registeredFlow} for a set of network files. */
export function registeredFlowConfig(
  files: NetworkFiles,
  refinement: Refinement = DEFAULT_REFINEMENT,
): RegisteredFlowConfig {
  const { template, triangles, ncc, dffnetConfig, depth, extent } = files
  return {
    size: TEMPLATE_SIZE,
    ...dffnetConfig,
    regressorRoi: template.regressorRoi,
    triangles,
    ncc,
    ...(depth && { depth: depth.config }),
    ...(extent && { extent: extent.config }),
    refinement,
  }
}

/** All networks of the graph; their layers have different names. The same object for the same files. */
export function registeredFlowWeights(files: NetworkFiles): WeightSource {
  const known = SOURCES.get(files)
  if (known !== undefined) return known
  const { dffnet, meshRegressor, depth, occlusion, extent } = files
  const parts = [depth, occlusion, extent].flatMap((part) => (part ? [part.weights] : []))
  const others = [meshRegressor, ...parts]
  const source: WeightSource = {
    tensor: (name, shape) => (others.find((file) => file.has(name)) ?? dffnet).tensor(name, shape),
  }
  SOURCES.set(files, source)
  return source
}

const SOURCES = new WeakMap<NetworkFiles, WeightSource>()
