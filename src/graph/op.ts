import type { AdapterCaps } from '../platform/caps.js'
import type { AttributeChecks } from './arguments.js'
import type { Storage, TensorType, ValueType } from './tensor.js'

/**
 * What one op is: its shape rule, its cost, and how it becomes kernel calls. One op = one file in this
 * folder; nothing here imports a device, so every rule is tested without one.
 */
export interface OpDefinition<Attrs> {
  /** Name of the op in plans and messages, e.g. `conv2d`. */
  readonly kind: string
  /** How many inputs it takes: least and most. */
  readonly inputs: readonly [number, number]
  /** What each attribute must be, by itself; checked before `infer` is called, which checks what must fit together. */
  readonly attributes: AttributeChecks<Attrs>
  /** Type of the output. Throws `EngineError` INVALID_GRAPH (see `shapeError`) that names node and shapes. */
  infer(context: InferContext<Attrs>): ValueType
  /** Floating-point operations (a multiply-add counts 2) of the mathematical definition. */
  flops(context: InferContext<Attrs>, output: ValueType): number
  /** Picks kernel, variant and tile from shapes and caps alone, and says what to bind and dispatch. */
  lower(context: LowerContext<Attrs>): KernelCall[]
  /** Which of several kernels `lower` takes, for autotuning. Absent: there is one. */
  choice?(context: LowerContext<Attrs>): KernelChoice
  /** What the op's kernels can apply to their result before it is stored. Absent: nothing. */
  readonly epilogue?: {
    readonly activation: boolean
    readonly residual: boolean
    /** Stores dense N x H x W x C floats where the output is raw. */
    readonly dense?: boolean
  }
  /** Index of an input whose buffer the output may take over (element-wise ops, `inPlace` kernel variant). */
  readonly inPlaceInput?: number
  /** An element-wise op that a producer can apply before it stores its result: what it becomes there. */
  asEpilogue?(
    attrs: Attrs,
  ): { readonly activation: Activation } | { readonly residual: true } | { readonly dense: true }
  /**
   * What an epilogue that adds the op's output can do in its place with the op's input: take the maximum over windows of it
   * (a side of 1: take it as it is), with zeros in the channels behind its own. Undefined where it needs the op's kernel.
   */
  asResidual?(attrs: Attrs, input: TensorType): ResidualWindow | undefined
  /** A placement of its inputs side by side or a part of its input: no kernel where memory allows it. */
  readonly structural?: 'concat' | 'batchConcat' | 'batchSlice' | 'concatPart'
  /**
   * True where the op reads concatenations with padding between their parts (see `TensorType.segments`).
   * Otherwise the plan first copies such an input into contiguous channels.
   */
  readonly readsSegments?: boolean
  /** Inputs that hold places or displacements in pixels: in plans of f16 storage they stay f32 from where they are computed. */
  readonly coordinates?: readonly number[]
  /**
   * Where the output stays f32 in plans of f16 storage beside where a reader takes it for coordinates and within
   * `GraphBuilder.precise`: always, or as the inputs do.
   */
  readonly precise?: 'always' | 'asFirst' | 'ifAny' | 'ifAll'
  /**
   * Inputs whose element type may be another than the output's, the same for all of them: kernels declare them as `Loaded4`
   * (kernels/include/loaded.wgsl). The plan converts any other tensor input to the type of the output, or where that is raw
   * of the first input.
   */
  readonly loads?: readonly number[]
}

/** What shape rule and cost of an op see of a node. */
export interface InferContext<Attrs> {
  readonly node: string
  readonly attrs: Attrs
  readonly inputs: readonly ValueType[]
}

/** What the epilogue of a kernel does to each value. */
export type Activation =
  | { readonly kind: 'none' }
  | { readonly kind: 'relu' }
  | { readonly kind: 'leakyRelu'; readonly slope: number }
  /** One slope per channel, from the weights. */
  | { readonly kind: 'prelu'; readonly slopes: string }
  | { readonly kind: 'sigmoid' }
  | { readonly kind: 'tanh' }

/** Applied by the producing kernel: bias (part of the op), then this. */
export interface Epilogue {
  readonly activation: Activation
  /** 'before' | 'after' the activation; the residual is the node's last input. Channels that it lacks are zero. */
  readonly residual: 'none' | 'before' | 'after'
  /** Side of the windows of the residual whose maximum is added; 1: the residual as it is. */
  readonly residualWindow: ResidualWindow
}

export type ResidualWindow = 1 | 2

/** True where the op gives a part of its input: a view of it, no kernel, where memory allows it. */
export function isSlice({ structural }: Pick<OpDefinition<unknown>, 'structural'>): boolean {
  return structural === 'batchSlice' || structural === 'concatPart'
}

/** Nothing is applied to a kernel's result before it is stored. */
export const NO_EPILOGUE: Epilogue = { activation: { kind: 'none' }, residual: 'none', residualWindow: 1 }

/** Something a kernel can be bound to. */
export type Operand =
  | { readonly kind: 'value'; readonly id: number; readonly type: ValueType }
  | { readonly kind: 'scratch'; readonly id: number; readonly type: ValueType }
  /** Weights or constants, packed on the CPU once per weight set; `key` names content and packing. */
  | { readonly kind: 'packed'; readonly key: string; readonly pack: (weights: WeightSource) => PackedData }

/** Values of a packed operand, as the kernel reads them: bits of f32, u32 or f16. */
export type PackedData = Float32Array | Uint32Array | Uint16Array

/** Where a plan takes its weights from. */
export interface WeightSource {
  /**
   * @param shape expected shape in the file's (PyTorch) layout: conv OIHW, transposed conv IOHW, vectors O
   * @throws EngineError INVALID_WEIGHTS if the tensor is missing or has another shape
   */
  tensor(name: string, shape: readonly number[]): Float32Array
}

/** What {@link OpDefinition} lowers a node from. */
export interface LowerContext<Attrs> {
  readonly node: string
  readonly attrs: Attrs
  /** The op's own inputs, without the residual. */
  readonly inputs: readonly Operand[]
  readonly residual: Operand | undefined
  readonly output: Operand
  readonly epilogue: Epilogue
  readonly caps: AdapterCaps
  /** Which family of schedules to use; follows the adapter unless a test or benchmark forces it. */
  readonly schedule: Schedule
  /** Element type of the node's tensors (but for those that it `loads`) and weights in memory; arithmetic is always f32. */
  readonly storage: Storage
  /** Element type of the inputs that the definition `loads`. */
  readonly loaded: Storage
  /** Forces a variant by name (tests, benchmarks, autotuning); undefined: the op's own choice. */
  readonly variant: string | undefined
  /** True where the memory plan lets the output take over `inPlaceInput`'s buffer. */
  readonly inPlace: boolean
  /** How many times as large the batch is as the one whose kernels are to be chosen, see `GraphBuilder.repeated`. */
  readonly repeats: number
  /** A temporary that lives only within this node's kernel calls. */
  scratch(type: ValueType): Operand
}

/** Family of kernel variants: for adapters that run on the CPU, or for GPUs. */
export type Schedule = 'software' | 'hardware'

/** A choice between kernels that compute the same. */
export interface KernelChoice {
  /** Layers with the same key run the same kernels over the same shapes. Printable. */
  readonly key: string
  /** Name of the variant that `lower` takes in this context. */
  readonly chosen: string
  /** Names worth timing on this adapter and schedule; `chosen` is among them. */
  readonly candidates: readonly string[]
}

/** One dispatch. Names of uniforms and bindings are those of the WGSL file; the plan checks them against it. */
export interface KernelCall {
  /** File below kernels/, e.g. `conv2d_broadcast.wgsl`; with `code`, what messages and tables call the kernel. */
  readonly kernel: string
  /**
   * WGSL of a kernel that is none of the package's: a text, or what was read of a file or URL. Preprocessor (docs/shaders.md) and
   * `#include` of the package's files work as in these.
   */
  readonly code?: string
  /** Printable choice, e.g. `8px x 16co`. */
  readonly variant: string
  /** Preprocessor parameters of the file, all that it declares. */
  readonly params: Readonly<Record<string, number | boolean | string>>
  /** Fields of the WGSL uniform struct; an operand stands for its `View` (see kernels/include/layout.wgsl). */
  readonly uniforms: Readonly<Record<string, UniformValue>>
  /** WGSL variable name -> operand. The uniform buffer is bound by the plan. */
  readonly bindings: Readonly<Record<string, Operand>>
  readonly workgroups: readonly [number, number, number]
  /** Of the node's FLOPs, this call's. Absent: the node's last call has what the others do not state, the rest none. */
  readonly flops?: number
}

/** A field of a kernel's uniform: a number, a vector or array of them, or where a tensor lies. */
export type UniformValue = number | readonly number[] | ViewOf

/** The placement of a tensor operand: filled in once memory is planned. */
export interface ViewOf {
  readonly viewOf: Operand
}

/** A tensor operand as the `View` struct of a kernel's uniforms. */
export function view(operand: Operand): ViewOf {
  return { viewOf: operand }
}

/** The tensor type of an operand; ops check kinds in `infer`, so a raw one here is a mistake of the op. @throws TypeError */
export function tensorOf(operand: Operand): TensorType {
  if (operand.kind === 'packed' || operand.type.kind !== 'tensor') {
    throw new TypeError('operand is not a tensor')
  }
  return operand.type
}
