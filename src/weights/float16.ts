/** IEEE 754 binary16 <-> binary32. Typed arrays of Node 20 have no Float16Array. */

const f32 = new Float32Array(1)
const bits32 = new Uint32Array(f32.buffer)

let table: Float32Array | undefined

/** All 65,536 half values: files hold millions of them, and the table is built in a millisecond. */
function halfTable(): Float32Array {
  if (table === undefined) {
    table = new Float32Array(65536)
    for (let bits = 0; bits < 65536; bits++) table[bits] = decodeHalf(bits)
  }
  return table
}

function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** @param halves bit patterns; @returns their values, exactly. */
export function halvesToFloats(halves: Uint16Array): Float32Array {
  const values = halfTable()
  // A plain loop: `from` with a mapping goes through iterators, ten times slower on millions of weights.
  const floats = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) floats[i] = values[halves[i] ?? 0] ?? Number.NaN
  return floats
}

/** Bit pattern of the nearest half (ties to even); what is too large becomes an infinity. */
export function floatToHalf(value: number): number {
  f32[0] = value
  const bits = bits32[0] ?? 0
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    // Subnormal halves are multiples of 2^-24: scaling makes the rounding an integer one.
    const scaled = Math.abs(value) * 2 ** 24
    const floor = Math.floor(scaled)
    const rest = scaled - floor
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0))
  }
  const rebased = magnitude - 0x38000000
  return sign | ((rebased + 0x0fff + ((rebased >>> 13) & 1)) >>> 13)
}

export function floatsToHalves(values: ArrayLike<number>): Uint16Array {
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < values.length; i++) halves[i] = floatToHalf(values[i] ?? Number.NaN)
  return halves
}
