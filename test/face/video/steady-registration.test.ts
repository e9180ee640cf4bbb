import { beforeAll, describe, expect, it } from 'vitest'
import { loadTemplate } from '../../../src/face/register/template-file.js'
import {
  nextRegistration,
  type SteadyRegistration,
  startRegistration,
} from '../../../src/face/video/steady-registration.js'
import {
  applySimilarity,
  applySimilarityToPoints,
  fitSimilarity,
  invertSimilarity,
} from '../../../src/geometry/similarity.js'
import type { Similarity } from '../../../src/geometry/types.js'
import { seededRandom } from '../../random.js'

let template: Float32Array
beforeAll(async () => {
  template = (await loadTemplate()).landmarks68
})

/** Where the face is in the photo: template px -> photo px. */
const PLACE: Similarity = { a: 0.9, b: 0.15, tx: 60, ty: 40 }
const moved = (x: number, y = 0): Similarity => ({ ...PLACE, tx: PLACE.tx + x, ty: PLACE.ty + y })
const seenAt = (place: Similarity, change: (i: number) => number = () => 0): Float32Array =>
  applySimilarityToPoints(place, template, 2).map((value, i) => value + change(i))

/** Where a registration puts the middle of the face, template px. */
const middle = ({ toTemplate }: Pick<SteadyRegistration, 'toTemplate'>, place: Similarity): number[] =>
  applySimilarity(toTemplate, ...applySimilarity(place, 112, 112))

const tremble = (path: readonly number[][]): number =>
  path.slice(2).reduce((sum, next, t) => {
    const [before, now] = [path[t] as number[], path[t + 1] as number[]]
    return (
      sum + Math.hypot(...next.map((v, axis) => v - 2 * (now[axis] as number) + (before[axis] as number)))
    )
  }, 0)

describe('registration of a face that is followed', () => {
  it('is that of a photo in the reference, and stays bit for bit where nothing moves', () => {
    const random = seededRandom('reference')
    const points = seenAt(PLACE, () => 3 * random())
    const start = startRegistration(points, template)
    expect(start.toTemplate).toEqual(fitSimilarity(points, template))
    const next = nextRegistration(start, points.slice(), template, true)
    expect(next.toTemplate).toEqual(start.toTemplate)
    const other = nextRegistration(next, seenAt(moved(1)), template, true)
    expect(nextRegistration(other, seenAt(moved(1)), template, true).toTemplate).toEqual(other.toTemplate)
  })

  it('does not tremble with the landmarks, of a face at rest and of one that moves', () => {
    for (const pace of [0, 0.5]) {
      const random = seededRandom(`pace ${pace}`)
      let steady = startRegistration(seenAt(PLACE), template)
      const [plain, smoothed]: number[][][] = [[], []]
      for (let t = 1; t <= 60; t++) {
        const place = moved(pace * t)
        const points = seenAt(place, () => 4 * (random() - 0.5))
        steady = nextRegistration(steady, points, template, true)
        plain?.push(middle({ toTemplate: fitSimilarity(points, template) }, place))
        smoothed?.push(middle(steady, place))
      }
      expect(tremble(smoothed ?? [])).toBeLessThan(0.5 * tremble(plain ?? []))
    }
  })

  it('follows: it is never further than 2 px from where the landmarks say, however fast the face is', () => {
    let steady = startRegistration(seenAt(PLACE), template)
    let furthest = 0
    for (let t = 1; t <= 40; t++) {
      const place: Similarity = { ...moved(12 * t, 5 * t), a: 0.9 + 0.02 * t, b: 0.15 - 0.03 * t }
      steady = nextRegistration(steady, seenAt(place), template, true)
      const [x = 0, y = 0] = middle(steady, place)
      furthest = Math.max(furthest, Math.hypot(x - 112, y - 112))
    }
    expect(furthest).toBeGreaterThan(0.5)
    expect(furthest).toBeLessThan(2.001)
  })

  it('says nothing of a face elsewhere after a cut', () => {
    let steady = startRegistration(seenAt(PLACE), template)
    for (let t = 1; t < 5; t++) steady = nextRegistration(steady, seenAt(moved(3 * t)), template, true)
    const elsewhere: Similarity = { a: -0.4, b: 0.5, tx: 300, ty: 200 }
    const cut = nextRegistration(steady, seenAt(elsewhere), template, false)
    expect(middle(cut, elsewhere).map((v) => Math.round(v * 100) / 100)).toEqual([112, 112])
    const { a, b } = invertSimilarity(cut.toTemplate)
    expect([a, b].map((v) => Math.round(v * 1000) / 1000)).toEqual([-0.4, 0.5])
  })

  it('moves little where the mouth opens', () => {
    /** Chin and lower lip go down. */
    const open = seenAt(PLACE, (i) => {
      const landmark = i >> 1
      const isLow = (landmark >= 5 && landmark <= 11) || (landmark >= 55 && landmark <= 59) || landmark >= 65
      return i % 2 === 1 && isLow ? 12 : 0
    })
    const plain = middle({ toTemplate: fitSimilarity(open, template) }, PLACE)
    let steady = startRegistration(seenAt(PLACE), template)
    for (let t = 0; t < 60; t++) {
      // Not the very same picture, which would be registered as it was.
      const points = open.map((value) => value + 1e-4 * t)
      steady = nextRegistration(steady, points, template, true)
    }
    const shift = ([x = 0, y = 0]: number[]) => Math.hypot(x - 112, y - 112)
    expect(shift(plain)).toBeGreaterThan(1)
    expect(shift(middle(steady, PLACE))).toBeLessThan(0.8 * shift(plain))
  })
})
