import { describe, expect, it } from 'vitest'
import { type Contestant, median, quickest, timeContestants } from '../../src/runtime/contest.js'
import { commonDivisor } from '../../src/runtime/pass-clock.js'

const OPTIONS = { longEnoughMs: 2, rounds: 5 }

/** A contestant on a made-up clock. */
function fake(name: string, ms: (call: number) => number) {
  const calls: number[] = []
  const contestant: Contestant = {
    name,
    run: async (repeats) => {
      calls.push(repeats)
      return repeats * ms(calls.length)
    },
  }
  return { calls, contestant }
}

describe('timing contestants', () => {
  it('finds the median of one execution, the first and dearest call apart', async () => {
    const slow = fake('slow', (call) => (call === 1 ? 500 : 0.3))
    const fast = fake('fast', (call) => (call === 1 ? 900 : call % 5 === 0 ? 7 : 0.2))
    const times = await timeContestants([slow.contestant, fast.contestant], OPTIONS)
    expect(times.get('slow')).toBeCloseTo(0.3)
    expect(times.get('fast')).toBeCloseTo(0.2)
    expect(quickest(times, 'slow')).toBe('fast')
  })

  it('repeats what is too short for the clock', async () => {
    const { calls, contestant } = fake('short', () => 0.01)
    const times = await timeContestants([contestant], OPTIONS)
    expect(calls.at(-1)).toBeGreaterThanOrEqual(200)
    expect(times.get('short')).toBeCloseTo(0.01)
  })

  it('ends on a clock that stands still', async () => {
    const times = await timeContestants([fake('still', () => 0).contestant], OPTIONS)
    expect(times.get('still')).toBe(0)
  })

  it('asks again where the clock steps back, and leaves out what it cannot time', async () => {
    const jumping = fake('jumping', (call) => (call % 3 === 0 ? -5 : 1))
    const back = fake('back', () => -1)
    const times = await timeContestants(
      [jumping.contestant, back.contestant, fake('none', () => Number.NaN).contestant],
      OPTIONS,
    )
    expect([...times]).toEqual([['jumping', 1]])
    expect(quickest(times, 'back')).toBe('jumping')
  })

  it('times over many steps of a coarse clock', async () => {
    const exact = { a: 0.0052, b: 0.0049 }
    const contestants = (['a', 'b'] as const).map(
      (name): Contestant => ({
        name,
        run: async (repeats) => Math.floor((repeats * exact[name]) / 0.1) * 0.1,
      }),
    )
    const times = await timeContestants(contestants, { longEnoughMs: 1, rounds: 3, stepMs: () => 0.1 })
    expect(times.get('a')).toBeCloseTo(exact.a, 3)
    expect(quickest(times, 'a')).toBe('b')
    expect([commonDivisor(0n, 300_000n), commonDivisor(300_000n, 500_000n)]).toEqual([300_000n, 100_000n])
  })

  it('takes turns, and drops what is far behind after the first round', async () => {
    const order: string[] = []
    const named = (name: string, ms: number): Contestant => ({
      name,
      run: async (repeats) => {
        order.push(name)
        return ms * repeats
      },
    })
    await timeContestants([named('a', 3), named('b', 4), named('c', 30)], OPTIONS)
    expect(order.slice(-11)).toEqual(['a', 'b', 'c', ...Array(4).fill(['a', 'b']).flat()])
  })
})

describe('the quickest', () => {
  it('is the default unless another saves more than noise', () => {
    const times = (a: number) =>
      new Map([
        ['default', 1],
        ['a', a],
      ])
    expect(quickest(times(0.99), 'default')).toBe('default')
    expect(quickest(times(0.9), 'default')).toBe('a')
    expect(quickest(times(2), 'default')).toBe('default')
    expect(quickest(new Map(), 'default')).toBe('default')
    expect(quickest(times(0), 'default')).toBe('default')
    expect(quickest(new Map([['a', 1]]), 'default')).toBe('a')
  })

  it('goes by the median', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })
})
