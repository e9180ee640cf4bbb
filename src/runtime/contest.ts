/** Finds the quickest of several ways to do the same. Knows no device: what is timed is a function. */

export interface Contestant {
  readonly name: string
  /** Does the work `repeats` times; milliseconds of all of them together. */
  run(repeats: number): Promise<number>
}

export interface ContestOptions {
  /** Shortest call to time, ms: shorter work is repeated within it. */
  readonly longEnoughMs: number
  readonly rounds: number
}

/** Most repeats of one call, for clocks that stand still. */
const MAX_REPEATS = 512

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
    await contestant.run(1)
    repeats.set(contestant.name, await repeatsFor(contestant, options.longEnoughMs))
  }
  let running = contestants
  for (let round = 0; round < options.rounds; round++) {
    for (const contestant of running) {
      const count = repeats.get(contestant.name) ?? 1
      const ms = (await contestant.run(count)) / count
      samples.set(contestant.name, [...(samples.get(contestant.name) ?? []), ms])
    }
    if (round > 0) continue
    const best = Math.min(...[...samples.values()].flat())
    running = running.filter(({ name }) => (samples.get(name)?.[0] ?? 0) <= HOPELESS * best)
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]))
}

async function repeatsFor(contestant: Contestant, longEnoughMs: number): Promise<number> {
  let repeats = 1
  for (;;) {
    const ms = await contestant.run(repeats)
    if (ms >= longEnoughMs || repeats >= MAX_REPEATS) return repeats
    const wanted = Math.ceil((repeats * longEnoughMs * 1.2) / Math.max(ms, 1e-3))
    repeats = Math.min(MAX_REPEATS, Math.max(repeats * 2, Math.min(wanted, repeats * 16)))
  }
}

/** Part of the time that a variant must save to be taken instead of the default: less may be noise. */
const MARGIN = 0.03

/**
 * The quickest contestant, or the default where it is as good.
 * @param times by name; without the default's time the quickest of all
 */
export function quickest(times: ReadonlyMap<string, number>, byDefault: string): string {
  const [best] = [...times].sort((a, b) => a[1] - b[1])
  const standard = times.get(byDefault)
  if (best === undefined || (standard !== undefined && best[1] > standard * (1 - MARGIN))) return byDefault
  return best[0]
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}
