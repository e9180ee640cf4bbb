import type { WorkPhase } from '../index.js'

/** What the time of a whole corpus goes into. */
type Phase = WorkPhase | 'plan' | 'assembly'

/** What of it computes or decodes, and what is there besides. */
const BESIDES: readonly Phase[] = ['samples', 'writing', 'hashing', 'plan', 'assembly']

/** What the time of a corpus went into, of all processes together. */
export class PhaseTimes {
  readonly #ms = new Map<Phase, number>()

  add(times: Partial<Record<Phase, number>>): void {
    for (const [phase, ms] of Object.entries(times) as [Phase, number][]) {
      this.#ms.set(phase, (this.#ms.get(phase) ?? 0) + ms)
    }
  }

  seconds(): Partial<Record<Phase, number>> {
    return Object.fromEntries([...this.#ms].map(([phase, ms]) => [phase, Number((ms / 1000).toFixed(3))]))
  }

  /** Shares in words. */
  line(): string {
    let sum = 0
    for (const ms of this.#ms.values()) sum += ms
    const share = (...phases: readonly Phase[]) => {
      const ms = phases.reduce((total, phase) => total + (this.#ms.get(phase) ?? 0), 0)
      return `${((100 * ms) / sum).toFixed(1)} %`
    }
    const besides = BESIDES.map((phase) => `${phase} ${share(phase)}`).join(', ')
    return `time: faces and flow ${share('faces', 'flow')}, decoding ${share('decoding')}, all else ${share(...BESIDES)} (${besides})`
  }
}
