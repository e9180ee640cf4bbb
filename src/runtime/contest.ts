/** Finds the quickest of several ways to do the same. Knows no device: what is timed is a function. */

export interface Contestant {
  readonly name: string
  /** Does the work `repeats` times; milliseconds of all of them together. */
  run(repeats: number): Promise<number>
}

export interface ContestOptions {
  /** Shortest call to time, ms: shorter work is repeated within it. */
  readonly longEnoughMs: number
  /** Step of the clock as far as it is known by now: browsers round timestamps against timing attacks. Default: fine. */
  readonly stepMs?: () => number
  readonly rounds: number
}

/** Most repeats of one call, for clocks that stand still. */
const MAX_REPEATS = 4096

/** Work is timed over so many steps of a coarse clock at least. */
const STEPS_TO_TIME = 64

/** Calls again where the clock stepped back during one. */
const RETRIES = 3

/** What took this many times longer than the best in its warm-up and first round is not timed on. */
const HOPELESS = 2

/**
 * Median milliseconds of one execution of each contestant. They take turns, so that clocks that change and neighbours
 * that come and go meet all of them; the ones that are far behind after the first round leave.
 */
export async function timeContestants(
  contestants: readonly Contestant[],
  options: ContestOptions,
): Promise<Map<string, number>> {
  const samples = new Map<string, number[]>()
  const repeats = new Map<string, number>()
  for (const contestant of contestants) {
    // The first call may still compile.
    await timeOf(contestant, 1)
    repeats.set(contestant.name, await repeatsFor(contestant, options))
  }
  let running = contestants
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of running) {
      const count = repeats.get(contestant.name) ?? 1
      const ms = await timeOf(contestant, count)
      if (ms !== undefined)
        samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), ms / count])
    }
    if (round > 0) continue
    const best = Math.min(...[...samples.values()].flat())
    running = running.filter(({ name }) => (samples.get(name)?.[0] ?? 0) <= HOPELESS * best)
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]))
}

/** Milliseconds of a call; undefined where the clock stepped back each time. */
async function timeOf(contestant: Contestant, repeats: number): Promise<number | undefined> {
  for (let call = 0; call < RETRIES; call++) {
    const ms = await contestant.run(repeats)
    if (ms >= 0 && ms < Number.POSITIVE_INFINITY) return ms
  }
  return undefined
}

async function repeatsFor(contestant: Contestant, { longEnoughMs, stepMs }: ContestOptions): Promise<number> {
  let repeats = 1
  for (;;) {
    const ms = (await timeOf(contestant, repeats)) ?? 0
    const enough = Math.max(longEnoughMs, STEPS_TO_TIME * (stepMs?.() ?? 0))
    if (ms >= enough || repeats >= MAX_REPEATS) return repeats
    const wanted = Math.ceil((repeats * enough * 1.2) / Math.max(ms, 1e-3))
    repeats = Math.min(MAX_REPEATS, Math.max(repeats * 2, Math.min(wanted, repeats * 16)))
  }
}

/** Part of the time that a variant must save to be taken instead of the default: less may be noise. */
const MARGIN = 0.03

/**
 * The quickest contestant, or the default where it is as good, and where the clock tells nothing.
 * @param times by name; without the default's time the quickest of all
 */
export function quickest(times: ReadonlyMap<string, number>, byDefault: string): string {
  const [best] = [...times].sort((a, b) => a[1] - b[1])
  const standard = times.get(byDefault)
  if (best === undefined || best[1] <= 0 || (standard !== undefined && best[1] > standard * (1 - MARGIN)))
    return byDefault
  return best[0]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
