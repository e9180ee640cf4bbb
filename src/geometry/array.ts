/**
 * Indexed read for arrays whose length is fixed by their documented shape, so that numeric loops are free
 * of the `undefined` that noUncheckedIndexedAccess adds.
 */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number
}
