import { turnOfEventLoop } from '../platform/index.js'
import { Plan, type PlanJob } from './plan.js'
import type { PlanOutputs } from './readback.js'

interface Waiting {
  readonly job: PlanJob
  readonly resolve: (outputs: PlanOutputs) => void
  readonly reject: (error: unknown) => void
}

/** Plans that are asked for in one turn of the event loop run in one submission: those of tasks that go on side by side. */
export class Gathering {
  #waiting: Waiting[] = []

  /** As `Plan.compute`; arrays of the job are read a turn of the event loop later. */
  compute(job: PlanJob): Promise<PlanOutputs> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      if (this.#waiting.length === 1) void turnOfEventLoop().then(() => this.#submit())
    })
  }

  #submit(): void {
    let rest = this.#waiting
    this.#waiting = []
    while (rest.length > 0) {
      const plans = new Set<Plan>()
      const [now, later]: [Waiting[], Waiting[]] = [[], []]
      for (const one of rest) {
        // A plan runs once in a submission.
        ;(plans.has(one.job.plan) ? later : now).push(one)
        plans.add(one.job.plan)
      }
      Plan.computeTogether(now.map(({ job }) => job)).then(
        (outputs) => {
          for (const [i, { resolve }] of now.entries()) resolve(outputs[i] as PlanOutputs)
        },
        (error: unknown) => {
          for (const { reject } of now) reject(error)
        },
      )
      rest = later
    }
  }
}
