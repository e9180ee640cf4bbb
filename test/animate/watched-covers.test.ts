import { describe, expect, it } from 'vitest'
import { coverStretches } from '../../src/animate/cover-stretches.js'
import type { CoverFigures } from '../../src/animate/covered-parts.js'
import { type DriverCovers, showsMouth } from '../../src/animate/driver-covers.js'
import { nextCovers, type WatchedCovers, watchCovers } from '../../src/animate/watched-covers.js'

const mouth = (figure: number | null): CoverFigures => ({ eyes: -0.5, mouth: figure })

/** Whether the mouth is covered, by frame; what is known of the frame before goes through JSON. */
function watched(figures: readonly (number | null)[]): string {
  let covers: WatchedCovers = {}
  return figures
    .map((figure) => {
      covers = watchCovers(JSON.parse(JSON.stringify(covers)) as WatchedCovers, mouth(figure))
      return 'mouth' in covers ? 'x' : '.'
    })
    .join('')
}

function phases(figures: readonly (number | null)[]): DriverCovers[] {
  let covers: DriverCovers | null = null
  return figures.map((figure) => {
    covers = nextCovers(covers, mouth(figure))
    return covers ?? {}
  })
}
const words = (all: readonly DriverCovers[]) => all.map(({ mouth }) => mouth?.phase[0] ?? '.').join('')

describe('whether a mouth is covered', () => {
  it('does not flicker with a figure that trembles about the limit, begins at once and ends a frame late', () => {
    expect(watched([-0.8, 0.7, 0.5, 0.7, 0.1, 0.65, -0.2, 0.9, -0.6, -0.7, -0.8])).toBe('.xxxxxxxx..')
    expect(watched([-0.8, 0.3, 0.55, 0.3, -0.8])).toBe('.....')
  })

  it('ends where nothing speaks for it any longer, and where the mouth cannot be seen', () => {
    const beard = Array.from({ length: 15 }, () => 0.4)
    expect(watched([0.62, ...beard])).toBe(`${'x'.repeat(12)}${'.'.repeat(4)}`)
    expect(watched([0.9, ...beard.map(() => null)])).toBe(`${'x'.repeat(12)}${'.'.repeat(4)}`)
    expect(watched([null, null])).toBe('..')
  })
})

describe("a driver's mouth", () => {
  it('is doubted before it is covered, held for three frames at most, and on its way back for some after', () => {
    expect(words(phases([-0.8, 0.2, 0.9, 0.9, -0.9, -0.9, -0.9, -0.9, -0.9, -0.9, -0.9]))).toBe('.dcccfffff.')
    expect(words(phases([-0.8, 0.2, 0.3, 0.2, 0.3, 0.2, -0.8]))).toBe('.dddbbb')
  })

  it('that looks nearly covered is doubted once and never again, unless it is covered or there is a cut', () => {
    const near = [0.1, 0.1, 0.1, 0.1, -0.1, -0.1, 0.1, -0.1, 0.1]
    expect(words(phases([...near, 0.7, -0.8, -0.8]))).toBe('dddbbbbbbccf')
  })

  it('is not shown between the lips where it is hidden, and told of with first frame, number and figure', () => {
    const covers = phases([-0.8, 0.2, 0.9, 1.1, -0.9, -0.9, 0.7, null])
    expect(covers.map((one) => showsMouth({ status: 'ok', covers: one }))).toEqual([
      true,
      false,
      false,
      false,
      false,
      true,
      false,
      false,
    ])
    expect(coverStretches(covers.map((one) => ({ covers: one })))).toEqual([
      { part: 'mouth', told: '1.10, of free ones below 0.6', first: 2, frames: 3 },
      { part: 'mouth', told: '0.70, of free ones below 0.6', first: 6, frames: 2 },
    ])
  })
})
