/** xorshift32 seeded by a name: data that is the same on every machine. */
export function seededRandom(name: string): () => number {
  let state = 2166136261
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 16777619)
  state = state >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Uniform values, rounded to float32. */
export function randomArray(
  random: () => number,
  size: number,
  [low, high]: readonly [number, number],
): Float64Array {
  return Float64Array.from({ length: size }, () => Math.fround(low + (high - low) * random()))
}
