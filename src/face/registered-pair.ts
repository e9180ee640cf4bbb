import { at } from '../geometry/array.js'
import { similarityResidual } from '../geometry/similarity.js'
import type { Template } from '../geometry/template.js'
import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import type { WeightSource } from '../graph/op.js'
import type { Refinement } from '../nets/refinement.js'
import { REGISTERED_INPUTS, type RegisteredFlowConfig, registeredFlow } from '../nets/registered-flow.js'
import { registeredRoiTransform } from '../nets/registered-meshes.js'
import { packImageTransform } from '../ops/image/image-input.js'
import { outputTensor } from '../ops/tensor/border.js'
import type { Engine } from '../runtime/engine.js'
import type { Plan } from '../runtime/plan.js'
import type { NetworkFiles } from './network-files.js'
import { landmarks68 } from './register/landmarks.js'
import { DEFAULT_REFINEMENT } from './types.js'

/** What the GPU computes for a registered pair; arrays as in `RegisteredFlowResult`. */
export interface PairOutputs {
  readonly flow: Float32Array
  readonly mask: Uint8Array
  readonly depth: Float32Array
  readonly pncc: Float32Array
  readonly mesh: Float32Array
  /**
   * What the mesh network makes of each frame, A first; of A alone where the weights look at no mesh of B: the probability
   * that it is a face, and how far its 68 landmarks lie from the template's in the mean, template px.
   */
  readonly faces: readonly { readonly presence: number; readonly offset: number }[]
}

/** Registered frames in, flow out: 3DMeshReg, raster, PNCC, DFFNet, refinement and depth from motion in one submission. */
export class RegisteredPair {
  readonly #plan: Plan
  readonly #roi: Float32Array
  readonly #template: Template

  private constructor(plan: Plan, roi: Float32Array, template: Template) {
    this.#plan = plan
    this.#roi = roi
    this.#template = template
  }

  static async create(
    engine: Engine,
    files: NetworkFiles,
    refinement: Refinement,
    onProgress?: (done: number, total: number) => void,
  ): Promise<RegisteredPair> {
    const config = registeredFlowConfig(files, refinement)
    const graph = new GraphBuilder(`registered ${files.info.name}`)
    for (const [name, value] of Object.entries(registeredFlow(graph, config))) {
      outputTensor(graph, name, value)
    }
    const plan = await engine.compile(graph.build(), {
      weights: registeredFlowWeights(files),
      ...(onProgress && { onProgress }),
    })
    return new RegisteredPair(plan, packImageTransform(registeredRoiTransform(config)), files.template)
  }

  /** @param a 224x224 frames */
  async compute(a: Rgba, b: Rgba): Promise<PairOutputs> {
    const outputs = await this.#plan.compute({
      [REGISTERED_INPUTS.i1]: a.data,
      [REGISTERED_INPUTS.i2]: b.data,
      // Written each time: 48 bytes, and a device that was lost and recovered has forgotten it.
      [REGISTERED_INPUTS.roi]: this.#roi,
    })
    const { flow, encoding, fragments, meshes, flags } = outputs as Record<
      'flow' | 'encoding' | 'fragments' | 'meshes' | 'flags',
      Float32Array
    >
    const pixels = TEMPLATE_SIZE * TEMPLATE_SIZE
    const channels = encoding.length / pixels
    const mask = new Uint8Array(pixels)
    const depth = new Float32Array(pixels)
    const pncc = new Float32Array(pixels * 3)
    for (let i = 0; i < pixels; i++) {
      // The fourth channel is the triangle's index, -1 where there is none.
      if (at(fragments, 4 * i + 3) < 0) continue
      mask[i] = 1
      depth[i] = at(fragments, 4 * i)
      for (let c = 0; c < 3; c++) pncc[3 * i + c] = at(encoding, channels * i + c)
    }
    const faces = Array.from(flags, (flag, i) => ({
      presence: 1 / (1 + Math.exp(-flag)),
      offset: this.#offset(meshes.subarray(i * MESH_VERTICES * 3, (i + 1) * MESH_VERTICES * 3)),
    }))
    return { flow, mask, depth, pncc, mesh: meshes.slice(0, MESH_VERTICES * 3), faces }
  }

  #offset(mesh: Float32Array): number {
    const unmoved = { a: 1, b: 0, tx: 0, ty: 0 }
    return similarityResidual(unmoved, landmarks68(mesh), this.#template.landmarks68)
  }

  dispose(): void {
    this.#plan.dispose()
  }
}

export function registeredFlowConfig(
  files: NetworkFiles,
  refinement: Refinement = DEFAULT_REFINEMENT,
): RegisteredFlowConfig {
  const { template, triangles, ncc, dffnetConfig, depth } = files
  return {
    size: TEMPLATE_SIZE,
    ...dffnetConfig,
    regressorRoi: template.regressorRoi,
    triangles,
    ncc,
    ...(depth && { depth: depth.config }),
    refinement,
  }
}

/** All networks of the graph; their layers have different names. */
export function registeredFlowWeights({ dffnet, meshRegressor, depth }: NetworkFiles): WeightSource {
  const others = [meshRegressor, ...(depth ? [depth.weights] : [])]
  return {
    tensor: (name, shape) => (others.find((file) => file.has(name)) ?? dffnet).tensor(name, shape),
  }
}
