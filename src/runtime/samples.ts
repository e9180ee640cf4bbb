/** Some elements of a result, by the definition of its op in float64. */
export interface Samples {
  /** Positions in the dense N x H x W x C result. */
  readonly indices: readonly number[]
  readonly values: Float64Array
}

/** At most `most` of `count` positions: a stride without a factor in common with sizes meets all rows, columns and channels. */
export function sampleIndices(count: number, most: number): number[] {
  return Array.from({ length: Math.min(most, count) }, (_, i) =>
    count <= most ? i : Math.floor(((i * 0.6180339887498949) % 1) * count),
  )
}

export interface SampleBounds {
  /** Of the mean squared error, normalised by the reference's. */
  readonly nmse: number
  /** Of the largest error, as a share of the reference's range. */
  readonly maxError: number
}

/** Why a result is wrong; undefined if it is right. */
export function disagreement(
  result: ArrayLike<number>,
  truth: Samples,
  bounds: SampleBounds,
): string | undefined {
  let error = 0
  let energy = 0
  let largest = 0
  let range = 0
  truth.values.forEach((want, i) => {
    const difference = Math.abs((result[truth.indices[i] as number] ?? Number.NaN) - want)
    error += difference ** 2
    energy += want ** 2
    // Not `max`, which may lose a NaN.
    if (!(difference <= largest)) largest = difference
    range = Math.max(range, Math.abs(want))
  })
  const nmse = error / Math.max(energy, 1e-30)
  const isWithin = nmse <= bounds.nmse && largest <= bounds.maxError * Math.max(range, 1e-3)
  return isWithin ? undefined : `differs from float64: mean squared error ${nmse.toExponential(1)}`
}
