import { EngineError } from '../../src/errors.js'
import { type Graph, GraphBuilder, type Value } from '../../src/graph/graph.js'
import type { Schedule, WeightSource } from '../../src/graph/op.js'
import { channelsOf } from '../../src/graph/tensor.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import type { Engine } from '../../src/runtime/engine.js'
import type { OpCase, RefTensor } from '../cases/case.js'
import { randomArray, seededRandom } from '../random.js'

export interface CaseError {
  readonly nmse: number
  readonly maxError: number
  /** Largest magnitude of the reference, that max errors are relative to. */
  readonly range: number
}

/** Bound of the normalised mean squared error of every case with f16 storage. */
export const F16_NMSE = 1e-5

/** Of a case that states none. */
export const CASE_BOUNDS = { nmse: 1e-10, maxError: 1e-4 } as const

/** Of weights that state none: +-1/sqrt(fan in). */
export function weightRange(shape: readonly number[]): readonly [number, number] {
  const bound =
    1 /
    Math.sqrt(
      Math.max(
        1,
        shape.slice(1).reduce((product, side) => product * side, 1),
      ),
    )
  return [-bound, bound]
}

/** Seeded inputs and weights of a case, the same for every variant. Rounded to f32: the reference sees what the kernel sees. */
export function caseData(opCase: OpCase): {
  inputs: RefTensor[]
  weights: Record<string, Float64Array>
} {
  const random = seededRandom(opCase.name)
  const inputs = opCase.inputs.map(({ n, h, w, c, range }) => ({
    n,
    h,
    w,
    c,
    data: randomArray(random, n * h * w * c, range ?? [-1, 1]),
  }))
  const weights = Object.fromEntries(
    Object.entries(opCase.weights ?? {}).map(([name, { shape, range }]) => {
      const size = shape.reduce((product, d) => product * d, 1)
      return [name, randomArray(random, size, range ?? weightRange(shape))]
    }),
  )
  return { inputs, weights }
}

/** A weight source over arrays in memory that checks shapes as the file reader does. */
export function arrayWeights(
  arrays: Readonly<Record<string, Float64Array>>,
  shapes: Readonly<Record<string, readonly number[]>>,
): WeightSource {
  return {
    tensor(name, shape) {
      const data = arrays[name]
      const own = shapes[name]
      if (data === undefined || own === undefined || own.join() !== shape.join()) {
        throw new EngineError(
          'INVALID_WEIGHTS',
          `weights have ${name} as [${own?.join()}], asked as [${shape.join()}]`,
        )
      }
      return Float32Array.from(data)
    },
  }
}

/** The graph of a case: inputs `input0`, `input1`, ..., output `result`. */
export function caseGraph(opCase: OpCase): { built: Graph; result: Value } {
  const graph = new GraphBuilder(opCase.name)
  const values = opCase.inputs.map(({ n, h, w, c }, i) => inputTensor(graph, `input${i}`, { n, h, w, c }))
  const result = opCase.build(graph, values)
  outputTensor(graph, 'result', result)
  return { built: graph.build(), result }
}

/** Schedules and variants that a case is tested in. */
export const runsOf = (opCase: OpCase): NonNullable<OpCase['variants']> =>
  opCase.variants ?? [{ schedule: 'software' }, { schedule: 'hardware' }]

/** Variants by node, for a case that forces one. */
export function forcedVariant(
  opCase: OpCase,
  built: Graph,
  variant: string | undefined,
): Record<string, string> {
  const kinds = new Map(built.nodes.map((node) => [node.definition.kind, node.name]))
  const forced = kinds.get(opCase.op) ?? built.nodes.at(-2)?.name
  return variant !== undefined && forced !== undefined ? { [forced]: variant } : {}
}

/** Compiles and runs a case on the device and compares it with its float64 reference. */
export async function runCase(
  engine: Engine,
  opCase: OpCase,
  schedule: Schedule,
  variant: string | undefined,
  storage: 'f32' | 'f16' = 'f32',
): Promise<CaseError> {
  const { inputs, weights } = caseData(opCase)
  const expected = expectedOf(opCase, inputs, weights)
  const { values, type } = await caseResult(engine, opCase, { schedule, variant, storage })
  if (type.kind === 'tensor') checkShape(opCase, expected, type, channelsOf(type))
  return compare(values, expected.data)
}

/** What the device makes of a case. */
export async function caseResult(
  engine: Engine,
  opCase: OpCase,
  options: { schedule: Schedule; variant?: string | undefined; storage?: 'f32' | 'f16' },
): Promise<{ values: Float32Array; type: Value['type'] }> {
  const { inputs, weights } = caseData(opCase)
  const { built, result } = caseGraph(opCase)
  const { schedule, variant, storage = 'f32' } = options
  const plan = await engine.compile(built, {
    schedule,
    storage,
    variants: forcedVariant(opCase, built, variant),
    weights: arrayWeights(
      weights,
      Object.fromEntries(Object.entries(opCase.weights ?? {}).map(([name, { shape }]) => [name, shape])),
    ),
  })
  try {
    const outputs = await plan.compute(
      Object.fromEntries(inputs.map((input, i) => [`input${i}`, Float32Array.from(input.data)])),
    )
    return { values: outputs.result as Float32Array, type: result.type }
  } finally {
    plan.dispose()
  }
}

let last: { readonly opCase: OpCase; readonly expected: RefTensor } | undefined

/** What the reference makes of a case. Runs of one case, which follow each other, differ in kernels alone: once is enough. */
function expectedOf(
  opCase: OpCase,
  inputs: readonly RefTensor[],
  weights: Readonly<Record<string, Float64Array>>,
): RefTensor {
  if (last?.opCase !== opCase) last = { opCase, expected: opCase.reference(inputs, weights) }
  return last.expected
}

function checkShape(
  opCase: OpCase,
  expected: RefTensor,
  type: { n: number; h: number; w: number },
  c: number,
): void {
  const wanted = [expected.n, expected.h, expected.w, expected.c].join('x')
  const got = [type.n, type.h, type.w, c].join('x')
  if (wanted !== got) throw new Error(`${opCase.name}: inferred ${got}, reference made ${wanted}`)
}

export function compare(actual: Float32Array, expected: Float64Array): CaseError {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} values, expected ${expected.length}`)
  }
  let error = 0
  let energy = 0
  let maxError = 0
  let range = 0
  for (const [i, want] of expected.entries()) {
    const got = actual[i] as number
    if (!Number.isFinite(got)) throw new Error(`value ${i} is ${got}, expected ${want}`)
    const difference = Math.abs(got - want)
    error += difference ** 2
    energy += want ** 2
    maxError = Math.max(maxError, difference)
    range = Math.max(range, Math.abs(want))
  }
  return { nmse: error / Math.max(energy, 1e-30), maxError, range }
}
