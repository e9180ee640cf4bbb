/**
 * Indexed read for arrays whose length is fixed by their documented shape, so that numeric loops are free
 * of the `undefined` that noUncheckedIndexedAccess adds. Not in loops that run for every frame: V8 learns the kinds of arrays by
 * helper, not by caller, and reads through one that has seen many kinds take twice as long (`values[i] as number` there).
 */
export function at(values: ArrayLike<number>, index: number): number {
  return values[index] as number
}
