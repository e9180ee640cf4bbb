/** What kernel selection knows of a (transposed) convolution or fully connected layer. Pairs are [y, x]. */
export interface ConvShape {
  readonly batches: number
  readonly inPlanes: number
  readonly outPlanes: number
  /** Input channels without lanes of padding, and output channels. */
  readonly channels: readonly [input: number, output: number]
  /** Output positions of one phase. */
  readonly gridHeight: number
  readonly gridWidth: number
  /** Output parities of a transposed convolution, 1 for others. */
  readonly phases: number
  readonly taps: readonly [number, number]
  /** Step of the window over the input from one output position to the next. */
  readonly stride: readonly [number, number]
  /** How the window splits into Winograd's (see winograd.ts); undefined where it does not. */
  readonly winograd: WinogradShape | undefined
}

export interface WinogradShape {
  /** Outputs of a tile per axis: 4 with 3 taps, 3 with 4 taps. */
  readonly tile: 3 | 4
  /** Planes of input phases and of output phases. */
  readonly inPlanes: number
  readonly outPlanes: number
}

/** A kernel with its tile. `name` is what plans print and what forces it. */
export type ConvVariant = DirectVariant | GemmVariant | LanesVariant | RowVariant | WinogradVariant

/** kernels/conv_direct.wgsl */
export interface DirectVariant {
  readonly kind: 'direct'
  readonly name: string
  /** Lanes that share weights by subgroup broadcast; 0: each invocation loads all it needs. */
  readonly subgroup: number
  /** Outputs of one invocation: pixels x planes. */
  readonly pixels: number
  readonly planes: number
  readonly workgroup: readonly [pixels: number, planes: number]
}

/** kernels/conv_row.wgsl */
export interface RowVariant {
  readonly kind: 'row'
  readonly name: string
  readonly subgroup: number
  /** Outputs in a row of one invocation. */
  readonly pixels: number
}

/** kernels/conv_lanes.wgsl */
export interface LanesVariant {
  readonly kind: 'lanes'
  readonly name: string
  /** Outputs of a workgroup: pixels of one plane. */
  readonly pixels: number
  /** Invocations that share the sum of an output. */
  readonly workgroup: number
}

/** kernels/conv_gemm.wgsl */
export interface GemmVariant {
  readonly kind: 'gemm'
  readonly name: string
  readonly threads: readonly [pixels: number, planes: number]
  /** Outputs of one invocation: pixels x planes. */
  readonly pixels: number
  readonly planes: number
  /** Input planes (of one tap) per round through workgroup memory. */
  readonly steps: number
  /** True where steps are taken from three input channels without padding; see the kernel. */
  readonly triples: boolean
  /** Parts of the sum over taps and input planes that are computed side by side; the kernel may take fewer. */
  readonly splits: number
}

/** Steps of four inputs that a sum of conv_gemm.wgsl has. */
export function gemmSteps({ taps, inPlanes }: ConvShape, { triples }: GemmVariant): number {
  const count = taps[0] * taps[1]
  return triples ? Math.ceil(count / 4) * 3 : count * inPlanes
}

/** kernels/winograd_input.wgsl, winograd_multiply.wgsl or winograd_gemm.wgsl, winograd_output.wgsl */
export interface WinogradVariant {
  readonly kind: 'winograd'
  readonly name: string
  /** As in `DirectVariant`, for the matrix product. */
  readonly subgroup: number
  /** Products of one invocation: tiles x planes. */
  readonly tiles: number
  readonly planes: number
  /** Invocations along the tiles. */
  readonly workgroup: number
  /** kernels/winograd_gemm.wgsl in place of winograd_multiply.wgsl: operands go through workgroup memory. */
  readonly shared?: {
    readonly threads: readonly [tiles: number, planes: number]
    /** Input planes of a round. */
    readonly steps: number
  }
}

/**
 * A problem as stride-1 convolutions of 3x3 or 4x4 taps at most: the inputs are split into the phases of the window's
 * stride, the outputs into those of the output stride. All pairs are [y, x].
 */
export interface WindowSplit {
  /** Taps per axis of the stride-1 convolutions. */
  readonly taps: 3 | 4
  /** Input phases are stride x stride. */
  readonly stride: number
  /** Input position of the first tap of grid point (0, 0). */
  readonly origin: readonly [number, number]
  /** Of each output phase: rows and columns between `origin` and its own first tap. */
  readonly delays: readonly (readonly [number, number])[]
}
