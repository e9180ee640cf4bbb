import { describe, expect, it } from 'vitest'
import { floatsToHalves, floatToHalf, halvesToFloats } from '../../src/weights/float16.js'

const decode = (bits: number) => halvesToFloats(Uint16Array.of(bits))[0] as number

describe('float16', () => {
  it('decodes the values that the standard names', () => {
    expect(decode(0x3c00)).toBe(1)
    expect(decode(0xc000)).toBe(-2)
    expect(decode(0x7bff)).toBe(65504)
    expect(decode(0x0400)).toBe(2 ** -14)
    expect(decode(0x0001)).toBe(2 ** -24)
    expect(decode(0x3555)).toBeCloseTo(1 / 3, 3)
    expect(Object.is(decode(0x8000), -0)).toBe(true)
    expect(decode(0xfc00)).toBe(Number.NEGATIVE_INFINITY)
    expect(decode(0x7e00)).toBeNaN()
  })

  it('encodes every half that it decodes to itself', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits)
    const back = floatsToHalves(halvesToFloats(all))
    const changed = [...back.keys()].filter((bits) => back[bits] !== bits && !Number.isNaN(decode(bits)))
    expect(changed).toEqual([])
  })

  it('rounds to the nearest, ties to even, in normal and subnormal range', () => {
    for (const bits of [0x0000, 0x0001, 0x0002, 0x03ff, 0x0400, 0x3bff, 0x3c00, 0x3c01, 0x7bfe]) {
      const [low, high] = [decode(bits), decode(bits + 1)]
      const middle = (low + high) / 2
      expect(floatToHalf(middle)).toBe(bits % 2 === 0 ? bits : bits + 1)
      expect(floatToHalf(middle - (high - low) / 64)).toBe(bits)
      expect(floatToHalf(middle + (high - low) / 64)).toBe(bits + 1)
      expect(floatToHalf(-middle)).toBe((bits % 2 === 0 ? bits : bits + 1) | 0x8000)
    }
  })

  it('overflows to infinity from 65520 on, keeps NaN', () => {
    expect(floatToHalf(65519.99)).toBe(0x7bff)
    expect(floatToHalf(65520)).toBe(0x7c00)
    expect(floatToHalf(-1e30)).toBe(0xfc00)
    expect(floatToHalf(Number.NaN) & 0x7fff).toBeGreaterThan(0x7c00)
  })
})
