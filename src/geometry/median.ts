/**
 * Median by quickselect (Hoare); of an even number of values the mean of the middle two after `scale`.
 * @param values reordered
 * @param scale of a value before two of them are averaged
 */
export function medianInPlace(values: Float64Array, scale: (value: number) => number): number {
  const middle = values.length >> 1
  const upper = scale(select(values, middle))
  if (values.length % 2 === 1) return upper
  let lower = Number.NEGATIVE_INFINITY
  for (let i = 0; i < middle; i++) if ((values[i] as number) > lower) lower = values[i] as number
  return (scale(lower) + upper) / 2
}

/** The value that sorting would put at `k`; those before it end up no larger, those behind it no smaller. */
function select(values: Float64Array, k: number): number {
  let left = 0
  let right = values.length - 1
  while (left < right) {
    const pivot = values[k] as number
    let i = left
    let j = right
    while (i <= j) {
      while ((values[i] as number) < pivot) i++
      while ((values[j] as number) > pivot) j--
      if (i > j) break
      const swapped = values[i] as number
      values[i++] = values[j] as number
      values[j--] = swapped
    }
    if (j < k) left = i
    if (i > k) right = j
  }
  return values[k] as number
}
