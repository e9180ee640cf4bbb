import type { Value } from '../../src/graph/graph.js'

/** The graph input at an index; a case that names too few inputs is a mistake in its table. */
export function nthValue(inputs: readonly Value[], index: number): Value {
  const input = inputs[index]
  if (input === undefined) throw new RangeError(`the case has no input ${index}`)
  return input
}
