import { anything, finite, record, tuple, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkMap, checkOptions, shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP, linearGrid, tileGrid } from '../../graph/lowering.js'
import {
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  type Operand,
  tensorOf,
  view,
} from '../../graph/op.js'
import { channelsOf, type RawType, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link variationalRefinement}. */
export interface VariationalAttrs {
  /** Grey levels (0 to 255) per unit of the images' three channels. */
  readonly grey: readonly [number, number, number]
  /** Red-black sweeps of successive over-relaxation. */
  readonly sweeps: number
}

/** Far past convergence; a sweep is two dispatches. */
const MAX_SWEEPS = 1000

/**
 * Few on purpose: the equations hold near the flow, and to stop early keeps the displacement near it. More sweeps lower the
 * photometric residual and raise the endpoint error (training/EXPERIMENTS.md).
 */
export const VARIATIONAL_DEFAULTS = { sweeps: 4 } as const

/** Constants of the method, chosen on pairs of the training sets. */
export const VARIATIONAL = {
  /** Weights of the terms; only their ratios count. */
  brightness: 6,
  gradient: 12,
  smoothness: 20,
  rest: 1,
  /** Grey levels (per px) beside the length of a gradient. */
  noise: 3,
  /** Size that robust norms count at least, px. */
  sharpness: 0.02,
  relaxation: 1.6,
  /** Grey levels^2 beside both variances; bound of the gain between the pictures. */
  gainFloor: 4,
  gainLimit: 2,
} as const

const KIND = 'variationalRefinement'

/** Pixels along one side of what a workgroup of kernels/variational_sweep_tile.wgsl loads, and its most half sweeps. */
const TILE_REGION = 32
const TILE_HALF_SWEEPS = 8

/** Pixels whose sums one invocation of kernels/variational_sums.wgsl takes: enough invocations to hide its loads on a GPU. */
const PIXELS_PER_PART = 49
/** Parts that every invocation of kernels/variational_equations.wgsl reads where workgroups share sums. */
const MAX_SHARED_PARTS = 64

/** FLOPs of each part of the method on maps of a type, and of one half sweep. */
function workOf({ n, h, w }: TensorType) {
  const pixels = n * h * w
  return { warp: pixels * 44, equations: pixels * 150, halfSweep: Math.ceil(pixels / 2) * 34 }
}

export const variationalOp: OpDefinition<VariationalAttrs> = {
  kind: KIND,
  inputs: [4, 4],
  attributes: { grey: tuple(3, finite), sweeps: whole(1, MAX_SWEEPS) },
  coordinates: [0, 3],
  loads: [1, 2],
  precise: 'always',

  infer(context) {
    const { grey, sweeps } = context.attrs
    wholeNumber(KIND, context, 'sweeps', sweeps, 1)
    if (!grey.every(Number.isFinite)) {
      throw shapeError(KIND, context, `needs finite grey weights, got ${grey.join()}`)
    }
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    checkMap(KIND, context, 1, flow, 3)
    checkMap(KIND, context, 2, flow, 3)
    checkMap(KIND, context, 3, flow, 4)
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  flops({ attrs }, output) {
    if (output.kind !== 'tensor') return 0
    const work = workOf(output)
    return work.warp + work.equations + 2 * attrs.sweeps * work.halfSweep
  },

  lower: (context) => new Lowering(context).calls(),
}

/** Buffers of one node and the calls over them, in order. */
class Lowering {
  readonly #context: LowerContext<VariationalAttrs>
  readonly #type: TensorType
  readonly #work: ReturnType<typeof workOf>
  readonly #samples: Operand
  readonly #sums: Operand
  readonly #light: Operand
  readonly #equations: Operand
  #values: Operand
  #spare: Operand | undefined

  constructor(context: LowerContext<VariationalAttrs>) {
    this.#context = context
    this.#type = tensorOf(context.output)
    this.#work = workOf(this.#type)
    const { n, h, w } = this.#type
    const floats = (shape: readonly number[]): RawType => ({
      kind: 'raw',
      bytes: shape.reduce((product, side) => product * side, 4),
      contents: `f32[${shape.join()}]`,
    })
    this.#samples = context.scratch(floats([n, h, w, 4]))
    this.#sums = context.scratch(floats([n, this.#parts, 8]))
    this.#light = context.scratch(floats([n, 2]))
    this.#equations = context.scratch(floats([n, h, w, 8]))
    this.#values = context.scratch(floats([n, h, w, 2]))
    if (this.#isTiled) this.#spare = context.scratch(floats([n, h, w, 2]))
  }

  calls(): KernelCall[] {
    const light = this.#sharesSums ? [] : [this.#balanceLight()]
    const calls = [this.#warp(), this.#addUp(), ...light, this.#linearise()]
    const halfSweeps = 2 * this.#context.attrs.sweeps
    if (this.#isTiled) {
      for (let done = 0; done < halfSweeps; done += TILE_HALF_SWEEPS) {
        const rest = halfSweeps - done
        calls.push(this.#sweepTiles(Math.min(TILE_HALF_SWEEPS, rest), rest <= TILE_HALF_SWEEPS))
      }
      return calls
    }
    for (let done = 0; done < halfSweeps; done++) calls.push(this.#halfSweep(done % 2))
    calls.push(this.#apply())
    return calls
  }

  /** Half sweeps share a dispatch where a dispatch costs more than one of them. */
  get #isTiled(): boolean {
    return this.#context.schedule === 'hardware'
  }

  /** Workgroups add up, and leave so few parts that no dispatch of its own has to. Software adapters wait at barriers. */
  get #sharesSums(): boolean {
    return this.#context.schedule === 'hardware'
  }

  get #size(): readonly [number, number] {
    return [this.#type.w, this.#type.h]
  }

  get #overPixels(): KernelCall['workgroups'] {
    return tileGrid(this.#type.h, this.#type.w, this.#type.n)
  }

  /** Partial sums of a pair. */
  get #parts(): number {
    const invocations = Math.ceil(this.#pixels / PIXELS_PER_PART)
    return this.#sharesSums
      ? Math.min(MAX_SHARED_PARTS, Math.ceil(invocations / LINEAR_WORKGROUP))
      : invocations
  }

  get #pixels(): number {
    return this.#type.h * this.#type.w
  }

  #warp(): KernelCall {
    const [flow, source, goal, fragments] = [0, 1, 2, 3].map((i) => inputAt(this.#context, i)) as [
      Operand,
      Operand,
      Operand,
      Operand,
    ]
    return {
      kernel: 'variational_warp.wgsl',
      variant: 'warp',
      params: { F16: this.#context.storage === 'f16', LOADED_F16: this.#context.loaded === 'f16' },
      uniforms: {
        flow: view(flow),
        source: view(source),
        goal: view(goal),
        fragments: view(fragments),
        grey: [...this.#context.attrs.grey, 0],
      },
      bindings: { flow, source, goal, fragments, samples: this.#samples },
      workgroups: this.#overPixels,
      flops: this.#work.warp,
    }
  }

  #addUp(): KernelCall {
    return {
      kernel: 'variational_sums.wgsl',
      variant: 'sums',
      params: { SHARED: this.#sharesSums },
      uniforms: { pixels: this.#pixels, parts: this.#parts },
      bindings: { samples: this.#samples, sums: this.#sums },
      workgroups: this.#sharesSums ? [this.#parts, 1, this.#type.n] : linearGrid(this.#parts, this.#type.n),
      flops: 0,
    }
  }

  #balanceLight(): KernelCall {
    const { gainFloor, gainLimit } = VARIATIONAL
    return {
      kernel: 'variational_light.wgsl',
      variant: 'light',
      params: {},
      uniforms: { parts: this.#parts, gainFloor, gainLimit },
      bindings: { sums: this.#sums, light: this.#light },
      workgroups: [1, 1, this.#type.n],
      flops: 0,
    }
  }

  #linearise(): KernelCall {
    const { brightness, gradient, smoothness, noise, sharpness, rest, gainFloor, gainLimit } = VARIATIONAL
    const sums = this.#sharesSums
    return {
      kernel: 'variational_equations.wgsl',
      variant: 'equations',
      params: { SUMS: sums },
      uniforms: {
        size: this.#size,
        brightness,
        gradient,
        smoothness,
        noise,
        sharpness,
        rest,
        ...(sums && { parts: this.#parts, gainFloor, gainLimit }),
      },
      bindings: {
        samples: this.#samples,
        ...(sums ? { sums: this.#sums } : { light: this.#light }),
        equations: this.#equations,
        values: this.#values,
      },
      workgroups: this.#overPixels,
      flops: this.#work.equations,
    }
  }

  #halfSweep(colour: number): KernelCall {
    const { n, h, w } = this.#type
    return {
      kernel: 'variational_sweep.wgsl',
      variant: 'half sweep',
      params: {},
      uniforms: { size: this.#size, colour, relaxation: VARIATIONAL.relaxation },
      bindings: { equations: this.#equations, values: this.#values },
      workgroups: tileGrid(h, Math.ceil(w / 2), n),
      flops: this.#work.halfSweep,
    }
  }

  /** `count` half sweeps in one dispatch, which also applies what it finds if it is the last. */
  #sweepTiles(count: number, isLast: boolean): KernelCall {
    const solved = this.#spare
    if (solved === undefined) throw new TypeError('tiles need a second buffer')
    const { n, h, w } = this.#type
    const tile = TILE_REGION - 2 * count
    const target = this.#target
    const call: KernelCall = {
      kernel: 'variational_sweep_tile.wgsl',
      variant: `half sweep x ${count}${isLast ? ', apply' : ''}`,
      params: { F16: isLast && this.#context.storage === 'f16', APPLY: isLast },
      uniforms: {
        ...(isLast && target.uniforms),
        size: this.#size,
        halfSweeps: count,
        relaxation: VARIATIONAL.relaxation,
      },
      bindings: {
        equations: this.#equations,
        values: this.#values,
        ...(isLast ? target.bindings : { solved }),
      },
      workgroups: [Math.ceil(w / tile), Math.ceil(h / tile), n],
      flops: count * this.#work.halfSweep,
    }
    ;[this.#values, this.#spare] = [solved, this.#values]
    return call
  }

  #apply(): KernelCall {
    const { uniforms, bindings } = this.#target
    return {
      kernel: 'variational_apply.wgsl',
      variant: 'apply',
      params: { F16: this.#context.storage === 'f16' },
      uniforms,
      bindings: { ...bindings, values: this.#values },
      workgroups: this.#overPixels,
      flops: 0,
    }
  }

  /** Where what is found becomes the new flow. */
  get #target(): Pick<KernelCall, 'uniforms' | 'bindings'> {
    const { output: destination } = this.#context
    const [flow, fragments] = [inputAt(this.#context, 0), inputAt(this.#context, 3)]
    return {
      uniforms: { flow: view(flow), fragments: view(fragments), destination: view(destination) },
      bindings: { flow, fragments, destination },
    }
  }
}

/**
 * Variational refinement of a flow, every pixel by itself and its neighbours: grey level and gradient of the first image are
 * matched with those of the second one, warped by the flow, under robust norms and a smoothness that lets the flow bend
 * where it does already (after Brox et al., "High accuracy optical flow estimation based on a theory for warping", ECCV
 * 2004; residuals normalised by the gradient after Zimmer et al., "Optic flow in harmony", IJCV 2011). One linearisation,
 * solved by a few red-black sweeps. The second image gets the mean and variance that the first one has on the face, so that
 * a change of exposure between them is no motion.
 *
 * Meant for what inverse search leaves, a fraction of a pixel. dz is not seen by it and stays as it is.
 *
 * @param flow n x h x w x 3: (dx, dy, dz), px
 * @param source n x h x w x 3, the image that the flow starts from; `target` the one it leads to
 * @param fragments n x h x w x 4 of `rasterise`: the face. Elsewhere the flow stays as it is
 * @throws EngineError INVALID_GRAPH if the shapes differ or an attribute is out of range
 */
export function variationalRefinement(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  images: { readonly source: Value; readonly target: Value },
  fragments: Value,
  attrs: VariationalAttrs,
): Value {
  checkOptions(KIND, name, { images: record({ source: anything, target: anything }) }, { images })
  return addNode(graph, variationalOp, name, attrs, [flow, images.source, images.target, fragments])
}
