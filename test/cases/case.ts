import type { GraphBuilder, Value } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'

/** Dense N x H x W x C array of the float64 reference. */
export interface RefTensor {
  readonly n: number
  readonly h: number
  readonly w: number
  readonly c: number
  readonly data: Float64Array
}

/**
 * One op at one shape: read by the correctness tests (every variant against the float64 reference) and by
 * the op benchmark (time of the default variant).
 */
export interface OpCase {
  /** Unique, printable: `conv2d 3x3 s2 p1 17x9x5 -> 7`. */
  readonly name: string
  /** Family, for reports: `conv2d`, `correlation`, ... */
  readonly op: string
  readonly inputs: readonly {
    readonly n: number
    readonly h: number
    readonly w: number
    readonly c: number
    readonly range?: readonly [number, number]
  }[]
  /** Weight tensors (PyTorch layouts) with uniform random values in `range` (default +-1/sqrt(fan in)). */
  readonly weights?: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly range?: readonly [number, number] }>
  >
  build(graph: GraphBuilder, inputs: readonly Value[]): Value
  reference(inputs: readonly RefTensor[], weights: Readonly<Record<string, Float64Array>>): RefTensor
  /** Schedules and forced variants to test beside each schedule's own choice. */
  readonly variants?: readonly { readonly schedule: Schedule; readonly variant?: string }[]
  /** Bounds; default: normalised mean squared error 1e-10, max error 1e-4 of the output's range. */
  readonly bounds?: { readonly nmse: number; readonly maxError: number }
  /** A layer of our networks, timed by the op benchmark. */
  readonly bench?: boolean
}
