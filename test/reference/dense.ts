import type { RefTensor } from '../cases/case.js'

/** A tensor whose every element is given by a function of its place. */
export function refTensor(
  n: number,
  h: number,
  w: number,
  c: number,
  at: (n: number, y: number, x: number, c: number) => number,
): RefTensor {
  const data = new Float64Array(n * h * w * c)
  let i = 0
  for (let b = 0; b < n; b++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) for (let k = 0; k < c; k++) data[i++] = at(b, y, x, k)
  return { n, h, w, c, data }
}

/** Element of a tensor; its place must exist. */
export function elementOf(t: RefTensor, n: number, y: number, x: number, c: number): number {
  const value = t.data[((n * t.h + y) * t.w + x) * t.c + c]
  if (value === undefined || y < 0 || y >= t.h || x < 0 || x >= t.w || c < 0 || c >= t.c)
    throw new RangeError(`no element ${n},${y},${x},${c} in ${t.n}x${t.h}x${t.w}x${t.c}`)
  return value
}

/** A new tensor of the same shape. */
export function mapTensor(t: RefTensor, f: (value: number, channel: number) => number): RefTensor {
  return { ...t, data: t.data.map((value, i) => f(value, i % t.c)) }
}

/** The input at an index; a case that names too few inputs is a mistake in its table. */
export function inputOf(inputs: readonly RefTensor[], index: number): RefTensor {
  const input = inputs[index]
  if (input === undefined) throw new RangeError(`the case has no input ${index}`)
  return input
}
