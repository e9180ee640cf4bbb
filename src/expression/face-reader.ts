import { EngineError } from '../errors.js'
import { told } from '../face/disposed.js'
import type { NetworkFiles } from '../face/network-files.js'
import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import {
  COEFFICIENT_NETWORK,
  type CoefficientConfig,
  coefficientFeatures,
  coefficientLooks,
  coefficientMeshFeatures,
  coefficientNetwork,
  POSE_UNIT,
  READ_COEFFICIENTS,
} from '../nets/coefficients.js'
import {
  type RegisteredMeshesConfig,
  registeredFaces,
  registeredRoiTransform,
} from '../nets/registered-meshes.js'
import { frameType, IMAGE_TRANSFORM_TYPE, packImageTransform } from '../ops/image/image-input.js'
import { inputTensor, outputTensor } from '../ops/tensor/border.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import type { Plan, PlanInputs } from '../runtime/plan.js'
import type { PlanOutputs } from '../runtime/readback.js'
import { readSafetensors } from '../weights/safetensors.js'
import type { WeightFile } from '../weights/weight-file.js'

const FILE = 'coefficients.safetensors'

/** What of the face level's files is needed. */
export type ReaderFiles = Pick<NetworkFiles, 'meshRegressor' | 'template' | 'ncc'>

/** What the networks read from a registered frame. */
export interface FaceReading {
  /** 468x3, template px. */
  readonly mesh: Float32Array
  /** The mesh network's confidence that this is a face, 0 to 1. */
  readonly presence: number
  /** What the next readings of the same person can be told against, where this one is at rest. */
  readonly features: Float32Array
  /** 51 in [0, 1], in the order of READ_COEFFICIENTS. */
  readonly coefficients: Float32Array
  /** 51 probabilities that a coefficient is off by no more than 0.15. */
  readonly confidence: Float32Array
  /** Degrees; roll in the registered frame. */
  readonly yaw: number
  readonly pitch: number
  readonly roll: number
}

/** By name, of what was read with the truth, over rendered faces of people never trained on. */
interface Correlations {
  readonly absolute: Readonly<Record<string, number>>
  readonly relative: Readonly<Record<string, number>>
}

function unseenBy(correlations: Readonly<Record<string, number>>): string[] {
  return READ_COEFFICIENTS.filter((name) => !((correlations[name] ?? 0) >= LEAST_CORRELATION))
}

/** Of a coefficient with the truth: below it, no value is given. */
const LEAST_CORRELATION = 0.5

/** What the mesh network saw of a registered frame. */
export type SeenMesh = Pick<FaceReading, 'mesh' | 'presence'>

/** What is known of a frame before it is read. */
export interface KnownOfFrame {
  /** `features` of the same person at rest. */
  readonly rest?: Float32Array
  /** The mesh network, which is most of the work, does not look again. */
  readonly seen?: SeenMesh
}

type ReadOutputs = Record<'features' | 'coefficients' | 'confidence' | 'pose', Float32Array>
type MeshOutputs = Record<'meshes' | 'flags', Float32Array>

/** Runs the mesh network and the coefficient network on registered frames, in one submission. */
export class FaceReader {
  readonly #engine: Engine
  readonly #files: ReaderFiles
  readonly #weights: WeightFile
  readonly #config: CoefficientConfig
  readonly #fixed: Readonly<Record<'roi' | 'eyes' | 'mouth', Float32Array>>
  readonly #unseen: Readonly<Record<'absolute' | 'relative', readonly string[]>>
  /** By whether the mesh is given; compiled when first needed. */
  readonly #plans = new Map<boolean, Promise<Plan>>()

  private constructor(engine: Engine, files: ReaderFiles, weights: WeightFile) {
    const looks = coefficientLooks(TEMPLATE_SIZE)
    const correlations = correlationsOf(weights)
    const meshFeatures = coefficientMeshFeatures(weights.entries())
    this.#engine = engine
    this.#files = files
    this.#weights = weights
    this.#config = { size: TEMPLATE_SIZE, meshFeatures, ncc: files.ncc }
    this.#fixed = {
      roi: packImageTransform(registeredRoiTransform(meshesConfig(files))),
      eyes: packImageTransform(looks.eyes),
      mouth: packImageTransform(looks.mouth),
    }
    this.#unseen = { absolute: unseenBy(correlations.absolute), relative: unseenBy(correlations.relative) }
  }

  /** @throws EngineError INVALID_WEIGHTS and what `Engine.compile` throws */
  static async create(engine: Engine, files: ReaderFiles, source: ShippedFiles): Promise<FaceReader> {
    const weights = await readSafetensors(shippedWeights(FILE, source), source)
    if (
      weights.metadata.network !== COEFFICIENT_NETWORK ||
      coefficientMeshFeatures(weights.entries()) === 0
    ) {
      throw new EngineError(
        'INVALID_WEIGHTS',
        `${weights.name}: holds "${weights.metadata.network}", not "${COEFFICIENT_NETWORK}"; reinstall the package`,
        { file: weights.name },
      )
    }
    return new FaceReader(engine, files, weights)
  }

  /** Names of the coefficients that cannot be read, without and with the person at rest. */
  unseen(isRelative: boolean): readonly string[] {
    return this.#unseen[isRelative ? 'relative' : 'absolute']
  }

  /**
   * @param frame 224x224
   * @throws EngineError, what `Engine.compile` and `Plan.compute` throw
   */
  async read(frame: Rgba, { rest, seen }: KnownOfFrame = {}): Promise<FaceReading> {
    const known = rest === undefined ? 0 : 1
    const numbers = 2 * coefficientFeatures(this.#config)
    const { roi, ...looks } = this.#fixed
    const inputs = {
      ...looks,
      ...(seen ? { mesh: seen.mesh } : { roi }),
      frame: frame.data,
      rest: rest ?? new Float32Array(numbers),
      known: new Float32Array(2).fill(known),
      mask: new Float32Array(numbers).fill(known),
    }
    const outputs = (await this.#compute(seen !== undefined, inputs)) as ReadOutputs & MeshOutputs
    const { features, coefficients, confidence, pose } = outputs
    const angle = (i: number, mirrorSign: 1 | -1): number =>
      (((pose[i] as number) + mirrorSign * (pose[3 + i] as number)) / 2) * POSE_UNIT
    return {
      ...(seen ?? seenOf(outputs)),
      features,
      coefficients: averaged(coefficients).map((value) => Math.min(1, Math.max(0, value))),
      confidence: averaged(confidence).map(logistic),
      yaw: angle(0, -1),
      pitch: angle(1, 1),
      roll: angle(2, -1),
    }
  }

  /** Compiles what frames are read with, so that the first one does not wait for it. @throws EngineError as `Engine.compile` */
  async prepare(): Promise<void> {
    await this.#plan(false).catch((error: unknown) => {
      throw told(error)
    })
  }

  dispose(): void {
    // What could not be compiled holds nothing.
    for (const plan of this.#plans.values()) plan.then((made) => made.dispose()).catch(() => {})
    this.#plans.clear()
  }

  async #compute(isMeshGiven: boolean, inputs: PlanInputs): Promise<PlanOutputs> {
    try {
      const plan = await this.#plan(isMeshGiven)
      return await plan.compute(inputs)
    } catch (error) {
      throw told(error)
    }
  }

  async #plan(isMeshGiven: boolean): Promise<Plan> {
    const plan = this.#plans.get(isMeshGiven) ?? this.#compile(isMeshGiven)
    this.#plans.set(isMeshGiven, plan)
    plan.catch(() => {
      if (this.#plans.get(isMeshGiven) === plan) this.#plans.delete(isMeshGiven)
    })
    return await plan
  }

  async #compile(isMeshGiven: boolean): Promise<Plan> {
    const { size } = this.#config
    const features = coefficientFeatures(this.#config)
    const graph = new GraphBuilder('expression')
    const frame = graph.input('frame', frameType(size, size))
    const transform = (name: string) => graph.input(name, IMAGE_TRANSFORM_TYPE)
    const looked = isMeshGiven
      ? undefined
      : registeredFaces(graph, 'faces', [frame], transform('roi'), meshesConfig(this.#files))
    const read = coefficientNetwork(
      graph,
      'coefficients',
      {
        frame,
        mesh: looked?.meshes ?? inputTensor(graph, 'mesh', { n: 1, h: 1, w: MESH_VERTICES, c: 3 }),
        looks: { eyes: transform('eyes'), mouth: transform('mouth') },
        rest: inputTensor(graph, 'rest', { n: 2, h: 1, w: 1, c: features }),
        known: inputTensor(graph, 'known', { n: 2, h: 1, w: 1, c: 1 }),
        mask: inputTensor(graph, 'mask', { n: 2, h: 1, w: 1, c: features }),
      },
      this.#config,
    )
    for (const [name, value] of Object.entries({ ...looked, ...read })) outputTensor(graph, name, value)
    const [weights, { meshRegressor }] = [this.#weights, this.#files]
    return await this.#engine.compile(graph.build(), {
      weights: {
        tensor: (name, shape) => (weights.has(name) ? weights : meshRegressor).tensor(name, shape),
      },
    })
  }
}

function meshesConfig({ template, ncc }: ReaderFiles): RegisteredMeshesConfig {
  return { size: TEMPLATE_SIZE, regressorRoi: template.regressorRoi, ncc }
}

function seenOf({ meshes, flags }: MeshOutputs): SeenMesh {
  return { mesh: meshes.subarray(0, 3 * MESH_VERTICES), presence: logistic(flags[0] as number) }
}

/** For each coefficient the one that a mirror image shows in its place. */
const MIRRORED: readonly number[] = READ_COEFFICIENTS.map((name) => {
  const other = name.replace(/Left|Right/, (side) => (side === 'Left' ? 'Right' : 'Left'))
  return (READ_COEFFICIENTS as readonly string[]).indexOf(other)
})

/** Of the frame and its mirror image, 2x51. */
function averaged(values: Float32Array): Float32Array {
  const count = MIRRORED.length
  return Float32Array.from(MIRRORED, (mirrored, i) => {
    return ((values[i] as number) + (values[count + mirrored] as number)) / 2
  })
}

function logistic(value: number): number {
  return 1 / (1 + Math.exp(-value))
}

/** @throws EngineError INVALID_WEIGHTS */
function correlationsOf({ name, metadata }: WeightFile): Correlations {
  try {
    const { absolute, relative } = JSON.parse(metadata.correlations ?? '') as Correlations
    if (typeof absolute === 'object' && typeof relative === 'object') return { absolute, relative }
  } catch {
    // Said below.
  }
  throw new EngineError(
    'INVALID_WEIGHTS',
    `${name}: does not say how well each coefficient is read; give a file written by the trainer`,
    { file: name },
  )
}
