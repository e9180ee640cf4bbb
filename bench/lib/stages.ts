import type { Plan } from '../../src/runtime/plan.js'
import { type NetworkChoice, nodeOf, type Stage, stageOf } from './networks.js'
import { type Summary, summarise } from './statistics.js'

export interface StageTimes {
  readonly source: string
  readonly stages: readonly {
    readonly stage: Stage
    readonly steps: number
    readonly time: Summary
    /** Of the sum over stages of the medians. */
    readonly share: number
  }[]
}

/** Profiles a registered pair `runs` times and sums its steps by stage. */
export async function profileStages(plan: Plan, choice: NetworkChoice, runs: number): Promise<StageTimes> {
  const stage = stageOf(choice)
  const times = new Map<Stage, number[]>()
  const steps = new Map<Stage, number>()
  let source = ''
  for (let run = 0; run < runs; run++) {
    const profile = await plan.profile(1)
    source = profile.source
    const sums = new Map<Stage, number>()
    for (const { step, ms } of profile.steps) {
      const at = stage(nodeOf(step.name))
      sums.set(at, (sums.get(at) ?? 0) + ms)
      if (run === 0) steps.set(at, (steps.get(at) ?? 0) + 1)
    }
    for (const [at, ms] of sums) times.set(at, [...(times.get(at) ?? []), ms])
  }
  const summaries = [...times].map(([at, values]) => ({ at, time: summarise(values) }))
  const total = summaries.reduce((sum, { time }) => sum + time.median, 0)
  return {
    source,
    stages: summaries.map(({ at, time }) => ({
      stage: at,
      steps: steps.get(at) ?? 0,
      time,
      share: time.median / total,
    })),
  }
}
