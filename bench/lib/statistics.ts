/** Order statistics of a sample; all in the unit of the values. */
export interface Summary {
  readonly runs: number
  readonly min: number
  readonly median: number
  readonly p95: number
}

/**
 * Quantile with linear interpolation between order statistics (Hyndman and Fan's type 7).
 * @param q in [0, 1]
 * @throws RangeError on an empty sample or q outside [0, 1]
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('an empty sample has no quantiles')
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile ${q} is outside [0, 1]`)
  const sorted = [...values].sort((a, b) => a - b)
  const position = q * (sorted.length - 1)
  const below = Math.floor(position)
  const low = sorted[below] as number
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number
  return low + (high - low) * (position - below)
}

/** @throws RangeError on an empty sample */
export function summarise(values: readonly number[]): Summary {
  return {
    runs: values.length,
    min: quantile(values, 0),
    median: quantile(values, 0.5),
    p95: quantile(values, 0.95),
  }
}

/** Median of the ratios of values taken in turn: what load common to both sides cancels out of. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  const pairs = Math.min(numerators.length, denominators.length)
  const ratios = Array.from(
    { length: pairs },
    (_, i) => (numerators[i] as number) / (denominators[i] as number),
  )
  return quantile(ratios, 0.5)
}
