import { preprocess, type ShaderParams } from '../../src/gpu/shader/preprocess.js'
import type { Schedule } from '../../src/graph/op.js'
import { planGraph } from '../../src/graph/plan.js'
import type { AdapterCaps } from '../../src/platform/caps.js'
import { KernelSource } from '../../src/platform/index.js'
import type { OpCase } from '../cases/case.js'
import { caseGraph, forcedVariant, runsOf } from './run-case.js'

export interface CaseRun {
  readonly opCase: OpCase
  readonly schedule: Schedule
  readonly variant: string | undefined
  /** Files of the kernels that it dispatches. */
  readonly kernels: ReadonlySet<string>
  /** Characters of their texts, which compiling takes time for. */
  readonly cost: number
}

/** Of the epilogue of convolutions, which works on what its own invocation holds: these change no access to memory that others share. */
const EPILOGUE = new Set(['ACTIVATION', 'RESIDUAL', 'SLOPES'])

/** The kernel, and those of its parameters that matter to the order of invocations with their values. */
function itemsOf(kernel: string, params: ShaderParams, code: string): string[] {
  const isLayer = /^(conv|depthwise|winograd|correlation)/.test(kernel)
  const isShared = code.includes('var<workgroup>')
  const items = Object.entries(params).flatMap(([name, value]) => {
    if (isLayer && (EPILOGUE.has(name) || (!isShared && typeof value === 'number'))) return []
    return [`${kernel} ${name}=${value}`]
  })
  return [kernel, ...items]
}

/**
 * The runs of the case table that are cheapest to compile and dispatch every kernel with every value of its parameters, in several
 * workgroups where any case does. Of sizes, which matter where invocations share memory, the smallest and the largest are taken.
 * @param first parts of the names of cases that are taken whatever they add
 */
export function coveringRuns(
  cases: readonly OpCase[],
  caps: AdapterCaps,
  first: readonly string[] = [],
): CaseRun[] {
  const source = new KernelSource()
  const runs = cases.flatMap((opCase) =>
    runsOf(opCase).map(({ schedule, variant }) => {
      const { built } = caseGraph(opCase)
      const { steps } = planGraph(built, caps, { schedule, variants: forcedVariant(opCase, built, variant) })
      const codes = steps.map(({ kernel, params }) => preprocess(kernel, params, source.load).code)
      const items = steps.flatMap(({ kernel, params, workgroups: [x, y, z] }, i) =>
        itemsOf(kernel, params, codes[i] as string).map((item) => ({ item, isLarge: x * y * z > 1 })),
      )
      const cost = [...new Set(codes)].reduce((sum, code) => sum + code.length, 0)
      return { opCase, schedule, variant, kernels: new Set(steps.map(({ kernel }) => kernel)), items, cost }
    }),
  )
  const found = runs.flatMap(({ items }) => items)
  const large = new Set(found.flatMap(({ item, isLarge }) => (isLarge ? [item] : [])))
  const missing = new Set(extremes(found.map(({ item }) => item)))
  const gains = ({ items }: (typeof runs)[number]): Set<string> =>
    new Set(
      items.flatMap(({ item, isLarge }) =>
        missing.has(item) && (isLarge || !large.has(item)) ? [item] : [],
      ),
    )
  const chosen: typeof runs = []
  const take = (run: (typeof runs)[number]): void => {
    for (const item of gains(run)) missing.delete(item)
    chosen.push(run)
  }
  runs.filter(({ opCase }) => first.some((part) => opCase.name.includes(part))).forEach(take)
  while (missing.size > 0) {
    const [best] = runs
      .map((run) => ({ run, gained: gains(run).size }))
      .sort((a, b) => b.gained / b.run.cost - a.gained / a.run.cost)
    if (best === undefined || best.gained === 0) throw new Error('no run covers what is left')
    take(best.run)
  }
  return chosen
}

/** Without the sizes between the smallest and the largest one of a parameter. */
function extremes(items: readonly string[]): string[] {
  const sizes = new Map<string, number[]>()
  for (const item of items) {
    const [, name = '', size = ''] = item.match(/^(.*)=(\d+)$/) ?? []
    if (name !== '') sizes.set(name, [...(sizes.get(name) ?? []), Number(size)])
  }
  const wanted = [...sizes].flatMap(([name, all]) => [
    `${name}=${Math.min(...all)}`,
    `${name}=${Math.max(...all)}`,
  ])
  return [...items.filter((item) => !/=\d+$/.test(item)), ...wanted]
}
