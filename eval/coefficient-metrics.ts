/** Figures of what was found against the truth, pair by pair. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Standard deviation of all there are. */
export function spread(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
}

/** Pearson's r; 0 where one of them does not change. */
export function correlation(found: readonly number[], truth: readonly number[]): number {
  const [f, t] = [mean(found), mean(truth)]
  const product = mean(found.map((value, i) => (value - f) * ((truth[i] as number) - t)))
  const spreads = spread(found) * spread(truth)
  return spreads > 0 ? product / spreads : 0
}

/** How much of the truth is found again: the factor that brings the truth nearest to what was found. */
export function gain(found: readonly number[], truth: readonly number[]): number {
  const square = truth.reduce((sum, value) => sum + value * value, 0)
  return square > 0 ? found.reduce((sum, value, i) => sum + value * (truth[i] as number), 0) / square : 0
}

/** Of the line through what was found over the truth. */
export function slope(truth: readonly number[], found: readonly number[]): number {
  return (correlation(found, truth) * spread(found)) / spread(truth)
}
