import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { medianRatio, quantile, summarise } from '../../bench/lib/statistics.js'
import { formatCell, formatTable } from '../../bench/lib/table.js'

describe('order statistics', () => {
  it('interpolates between order statistics, whatever the order given', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([10, 20, 30], 0.25)).toBe(15)
    expect(summarise([5, 1, 3])).toEqual({ runs: 3, min: 1, median: 3, p95: 4.8 })
  })

  it('keeps quantiles between the extremes and in order', () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (sample, q) => {
        const value = quantile(sample, q)
        expect(value).toBeGreaterThanOrEqual(Math.min(...sample))
        expect(value).toBeLessThanOrEqual(Math.max(...sample))
        expect(quantile(sample, 0)).toBeLessThanOrEqual(value)
      }),
    )
  })

  it('refuses what has no quantiles', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError)
    expect(() => quantile([1], 1.5)).toThrow(RangeError)
  })

  it('cancels load that both sides saw', () => {
    // The second pair was taken while the machine was three times slower.
    expect(medianRatio([20, 60, 20], [10, 30, 10])).toBe(2)
  })
})

describe('tables', () => {
  it('keeps three digits, whole numbers whole, and marks what is missing', () => {
    const cells = [0, 7, 1234.6, 123.4, 12.345, 1.2345, 0.012345, undefined, Number.NaN]
    expect(cells.map(formatCell)).toEqual(['0', '7', '1235', '123', '12.3', '1.23', '0.0123', '-', '-'])
  })

  it('aligns numbers right and text left', () => {
    expect(
      formatTable(
        ['what', 'ms'],
        [
          ['a', 5],
          ['bcdef', 10],
        ],
      ),
    ).toBe('what   ms\na       5\nbcdef  10')
  })
})
