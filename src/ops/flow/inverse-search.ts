import { anything, finite, record, tuple, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkMap, checkOptions, shapeError, tensorInput, wholeNumber } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import {
  type InferContext,
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  type Operand,
  tensorOf,
  view,
} from '../../graph/op.js'
import { channelsOf, type RawType, type TensorType, tensorType } from '../../graph/tensor.js'

/** Attributes of {@link inverseSearch}. */
export interface InverseSearchAttrs {
  /** Grey levels (0 to 255) per unit of the images' three channels. */
  readonly grey: readonly [number, number, number]
  /** Times that all patches are matched and their displacements smoothed. */
  readonly rounds: number
  /** Jacobi steps of the smoothing after each match. */
  readonly smoothings: number
}

/** Far past what changes anything; a round is at least two dispatches. */
const MAX_ROUNDS = 1000

/** Chosen on pairs of the training sets; more rounds gain less than 1 % of the error. */
export const INVERSE_SEARCH_DEFAULTS = { rounds: 4, smoothings: 8 } as const

/**
 * Constants of the method. Lengths in px; grey levels 0 to 255. Patch and stride stand in
 * kernels/include/inverse_search.wgsl too.
 */
export const INVERSE_SEARCH = {
  patch: 8,
  stride: 4,
  /** Gauss-Newton steps of each match. */
  steps: 2,
  /** Share of a patch that must lie on the face. */
  leastFace: 0.5,
  /** Variance of the noise, and of the mismatch above which patches count little and are mistrusted. */
  noise: 0.5,
  mismatch: 100,
  damping: 0.25,
  longestStep: 1.5,
  /** Patches count fully up to half of this displacement and not at all from it on. */
  longest: 8,
  gainFloor: 4,
  gainLimit: 2,
  smoothness: 1.5,
  prior: 0.3,
} as const

const KIND = 'inverseSearch'
const { patch, stride, steps } = INVERSE_SEARCH

/** Patches along one side of what a workgroup of kernels/inverse_search_smooth_tile.wgsl loads, and its most steps. */
const TILE_REGION = 32
const TILE_STEPS = 8

/** Patches along one side of a map. */
export function patchCount(side: number): number {
  return Math.floor((side - patch) / stride) + 1
}

function checkAttrs(context: InferContext<InverseSearchAttrs>): void {
  const { grey, rounds, smoothings } = context.attrs
  wholeNumber(KIND, context, 'rounds', rounds, 1)
  wholeNumber(KIND, context, 'smoothings', smoothings, 0)
  if (!grey.every(Number.isFinite)) {
    throw shapeError(KIND, context, `needs finite grey weights, got ${grey.join()}`)
  }
}

/** FLOPs of each part of the method on maps of a type; of one match of all patches, one step of their smoothing. */
function workOf({ n, h, w }: TensorType) {
  const [rows, columns] = [patchCount(h), patchCount(w)]
  const [pixels, patches] = [n * h * w, n * rows * columns]
  return {
    texels: pixels * 48,
    templates: patches * patch ** 2 * 20,
    match: patches * (steps * (patch ** 2 * 36 + 40) + 30),
    smooth: patches * 40,
    apply: pixels * 24,
  }
}

export const inverseSearchOp: OpDefinition<InverseSearchAttrs> = {
  kind: KIND,
  inputs: [4, 4],
  attributes: { grey: tuple(3, finite), rounds: whole(1, MAX_ROUNDS), smoothings: whole(0, MAX_ROUNDS) },
  coordinates: [0, 3],
  loads: [1, 2],
  precise: 'always',

  infer(context) {
    checkAttrs(context)
    const flow = tensorInput(KIND, context, 0)
    if (channelsOf(flow) !== 3) throw shapeError(KIND, context, 'the flow must have channels dx, dy, dz')
    if (flow.h < patch || flow.w < patch) {
      throw shapeError(KIND, context, `maps must be at least ${patch} px wide and high`)
    }
    checkMap(KIND, context, 1, flow, 3)
    checkMap(KIND, context, 2, flow, 3)
    checkMap(KIND, context, 3, flow, 4)
    return tensorType(flow.n, flow.h, flow.w, 3)
  },

  flops({ attrs }, output) {
    if (output.kind !== 'tensor') return 0
    const work = workOf(output)
    const round = work.match + attrs.smoothings * work.smooth
    return work.texels + work.templates + attrs.rounds * round + work.apply
  },

  lower: (context) => new Lowering(context).calls(),
}

/** Buffers of one node and the calls over them, in order. */
class Lowering {
  readonly #context: LowerContext<InverseSearchAttrs>
  readonly #type: TensorType
  readonly #grid: readonly [number, number]
  readonly #work: ReturnType<typeof workOf>
  readonly #sourceTexels: Operand
  readonly #targetTexels: Operand
  readonly #templates: Operand
  readonly #equations: Operand
  #displacements: Operand
  #spare: Operand

  constructor(context: LowerContext<InverseSearchAttrs>) {
    this.#context = context
    this.#type = tensorOf(context.output)
    const { n, h, w } = this.#type
    this.#grid = [patchCount(w), patchCount(h)]
    this.#work = workOf(this.#type)
    const [columns, rows] = this.#grid
    const vec4s = (count: number, contents: string): RawType => ({ kind: 'raw', bytes: count * 16, contents })
    const pixels = n * h * w
    const patches = n * rows * columns
    const perPatch = (each: number) => vec4s(patches * each, `f32[${n},${rows},${columns},${4 * each}]`)
    this.#sourceTexels = context.scratch(vec4s(pixels, `u32[${n},${h},${w},4]`))
    this.#targetTexels = context.scratch(vec4s(pixels, `f32[${n},${h},${w},4]`))
    this.#templates = context.scratch(perPatch(3))
    this.#equations = context.scratch(perPatch(2))
    this.#displacements = context.scratch(perPatch(1))
    this.#spare = context.scratch(perPatch(1))
  }

  calls(): KernelCall[] {
    const { rounds, smoothings } = this.#context.attrs
    const calls = [this.#pack(), this.#describe()]
    for (let round = 0; round < rounds; round++) {
      calls.push(this.#match())
      for (let done = 0; done < smoothings; done += this.#stepsAtOnce) {
        calls.push(this.#smooth(Math.min(this.#stepsAtOnce, smoothings - done)))
      }
    }
    calls.push(this.#apply())
    return calls
  }

  get #size(): readonly [number, number] {
    return [this.#type.w, this.#type.h]
  }

  get #overPixels(): KernelCall['workgroups'] {
    return tileGrid(this.#type.h, this.#type.w, this.#type.n)
  }

  /** Smoothing steps of one dispatch: as many as a tile bears, where a dispatch costs more than a step. */
  get #stepsAtOnce(): number {
    return this.#isHardware ? TILE_STEPS : 1
  }

  get #isHardware(): boolean {
    return this.#context.schedule === 'hardware'
  }

  get #overPatches(): KernelCall['workgroups'] {
    return tileGrid(this.#grid[1], this.#grid[0], this.#type.n)
  }

  #pack(): KernelCall {
    const [flow, source, target, fragments] = [0, 1, 2, 3].map((i) => inputAt(this.#context, i)) as [
      Operand,
      Operand,
      Operand,
      Operand,
    ]
    return {
      kernel: 'inverse_search_texels.wgsl',
      variant: 'texels',
      params: { F16: this.#context.storage === 'f16', LOADED_F16: this.#context.loaded === 'f16' },
      uniforms: {
        flow: view(flow),
        source: view(source),
        goal: view(target),
        fragments: view(fragments),
        grey: [...this.#context.attrs.grey, 0],
      },
      bindings: {
        flow,
        source,
        goal: target,
        fragments,
        sourceTexels: this.#sourceTexels,
        targetTexels: this.#targetTexels,
      },
      workgroups: this.#overPixels,
      flops: this.#work.texels,
    }
  }

  #describe(): KernelCall {
    return {
      kernel: 'inverse_search_templates.wgsl',
      variant: 'templates',
      params: {},
      uniforms: {
        size: this.#size,
        grid: this.#grid,
        leastPixels: INVERSE_SEARCH.leastFace * patch ** 2,
      },
      bindings: {
        sourceTexels: this.#sourceTexels,
        templates: this.#templates,
        displacements: this.#displacements,
      },
      workgroups: this.#overPatches,
      flops: this.#work.templates,
    }
  }

  #match(): KernelCall {
    const { noise, mismatch, damping, longestStep, longest, gainFloor, gainLimit } = INVERSE_SEARCH
    return {
      kernel: 'inverse_search_match.wgsl',
      variant: `match, ${steps} steps`,
      params: { STEPS: steps, SHARED: this.#isHardware },
      uniforms: {
        size: this.#size,
        grid: this.#grid,
        noise,
        mismatch,
        damping,
        longestStep,
        longest,
        gainFloor,
        gainLimit,
      },
      bindings: {
        sourceTexels: this.#sourceTexels,
        targetTexels: this.#targetTexels,
        templates: this.#templates,
        displacements: this.#displacements,
        equations: this.#equations,
      },
      // Shared, a workgroup has eight patches of a row; else 8x8.
      workgroups: this.#isHardware
        ? [Math.ceil(this.#grid[0] / 8), this.#grid[1], this.#type.n]
        : this.#overPatches,
      flops: this.#work.match,
    }
  }

  /** `count` steps in one dispatch. */
  #smooth(count: number): KernelCall {
    const isTiled = this.#isHardware
    const tile = TILE_REGION - 2 * count
    const { smoothness, prior } = INVERSE_SEARCH
    const call: KernelCall = {
      kernel: isTiled ? 'inverse_search_smooth_tile.wgsl' : 'inverse_search_smooth.wgsl',
      variant: isTiled ? `smooth x ${count}` : 'smooth',
      params: {},
      uniforms: { grid: this.#grid, smoothness, prior, ...(isTiled ? { steps: count } : {}) },
      bindings: {
        equations: this.#equations,
        displacements: this.#displacements,
        smoothed: this.#spare,
      },
      workgroups: isTiled
        ? [Math.ceil(this.#grid[0] / tile), Math.ceil(this.#grid[1] / tile), this.#type.n]
        : this.#overPatches,
      flops: count * this.#work.smooth,
    }
    ;[this.#displacements, this.#spare] = [this.#spare, this.#displacements]
    return call
  }

  #apply(): KernelCall {
    const { output, storage } = this.#context
    const flow = inputAt(this.#context, 0)
    const fragments = inputAt(this.#context, 3)
    return {
      kernel: 'inverse_search_apply.wgsl',
      variant: 'apply',
      params: { F16: storage === 'f16' },
      uniforms: {
        flow: view(flow),
        fragments: view(fragments),
        destination: view(output),
        grid: this.#grid,
      },
      bindings: {
        flow,
        fragments,
        displacements: this.#displacements,
        destination: output,
      },
      workgroups: this.#overPixels,
      flops: this.#work.apply,
    }
  }
}

/**
 * Refines a flow by inverse search (after Kroeger et al., "Fast optical flow using dense inverse search", ECCV 2016): patches
 * of the first image are moved, from where the flow puts them, to where the second image looks like them.
 * Differences from that method: every pixel of a patch starts from its own flow, so a patch turns and stretches as the
 * flow says; patches are compared with mean and spread made equal; the displacements of all patches are smoothed
 * against each other and rest, each weighted by its gradient matrix over its mismatch (so that one without texture, hidden or
 * changed follows its neighbours), and interpolated between patches, the less of each the more it mismatches: what B hides
 * stays where the flow put it.
 *
 * dz is not seen by that and stays as it is.
 *
 * @param flow n x h x w x 3: (dx, dy, dz), px
 * @param source n x h x w x 3, the image that the flow starts from; `target` the one it leads to
 * @param fragments n x h x w x 4 of `rasterise`: the face. Elsewhere the flow stays as it is
 * @throws EngineError INVALID_GRAPH if the shapes differ, the maps are smaller than a patch or an attribute is out of range
 */
export function inverseSearch(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  images: { readonly source: Value; readonly target: Value },
  fragments: Value,
  attrs: InverseSearchAttrs,
): Value {
  checkOptions(KIND, name, { images: record({ source: anything, target: anything }) }, { images })
  return addNode(graph, inverseSearchOp, name, attrs, [flow, images.source, images.target, fragments])
}
