import { describe, expect, it } from 'vitest'
import { OneEuroFilter } from '../../src/expression/one-euro.js'
import { seededRandom } from '../random.js'

const FRAME = 1 / 25
const follow = (values: readonly number[]) => {
  const filter = new OneEuroFilter(1.5, 8)
  return values.map((value) => filter.next(value, FRAME))
}
const spread = (values: readonly number[]) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

describe('the 1-euro filter', () => {
  it('leaves a constant as it is', () => {
    expect(follow([0.3, 0.3, 0.3])).toEqual([0.3, 0.3, 0.3])
  })

  it('more than halves the shake of what rests', () => {
    const random = seededRandom('rest')
    const noise = Array.from({ length: 200 }, () => 0.02 * (random() - 0.5))
    const smoothed = follow(noise.map((value) => 0.2 + value)).slice(20)
    expect(spread(smoothed)).toBeLessThan(0.5 * spread(noise))
  })

  it('follows a blink within a frame, to nine tenths of its height', () => {
    const blink = [0, 0, 0, 0, 0.5, 1, 1, 0.5, 0, 0, 0]
    const smoothed = follow(blink)
    expect(Math.max(...smoothed)).toBeGreaterThan(0.9)
    expect(smoothed.indexOf(Math.max(...smoothed))).toBeLessThanOrEqual(6)
  })
})
