import { type NetworkChoice, STAGES, type Stage, stageOf } from '../lib/networks.js'
import { DISPATCH_US, type Gpu } from './gpus.js'
import { model } from './model.js'
import type { StepWork } from './plan-work.js'

/** Modelled time of a registered pair on one GPU, by stage in the order they run. */
export interface StageRow {
  readonly gpu: string
  readonly a: number
  readonly stages: readonly { readonly stage: Stage; readonly dispatches: number; readonly ms: number }[]
}

export function stageRow(work: readonly StepWork[], choice: NetworkChoice, gpu: Gpu): StageRow {
  const stage = stageOf(choice)
  const sums = new Map<Stage, { dispatches: number; ms: number }>()
  for (const step of work) {
    const at = stage(step.layer)
    const sum = sums.get(at) ?? { dispatches: 0, ms: 0 }
    sum.dispatches++
    sum.ms += model(step, gpu, DISPATCH_US[gpu.kind]).ms
    sums.set(at, sum)
  }
  const stages = STAGES.flatMap((at) => {
    const sum = sums.get(at)
    return sum === undefined ? [] : [{ stage: at, ...sum }]
  })
  return { gpu: gpu.name, a: choice.a, stages }
}
