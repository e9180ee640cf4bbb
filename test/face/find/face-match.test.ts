import { describe, expect, it } from 'vitest'
import { counterpart, doubt, matchPeople, type Person, placeIn } from '../../../src/face/find/face-match.js'

/** Looks as far apart as wanted: unit vectors at the angle of a person, with a part of another direction mixed in. */
function person(who: number, x: number, change = 0, side = 0.2): Person {
  const colours = new Float32Array(8)
  colours[who] = Math.cos(change)
  colours[7] = Math.sin(change)
  return { colours, place: { x, y: 0.5, side } }
}

const pairs = (a: Person[], b: Person[]) => matchPeople(a, b).map((match) => [match.a, match.b])

describe('people in two photos', () => {
  it('two who change places are told by their looks', () => {
    const a = [person(0, 0.3, 0, 0.25), person(1, 0.7)]
    const b = [person(1, 0.3, 0.3, 0.25), person(0, 0.7, 0.3)]
    expect(pairs(a, b).sort()).toEqual([
      [0, 1],
      [1, 0],
    ])
    expect(counterpart(a, b, 0)).toMatchObject({ a: 0, b: 1 })
    expect(doubt(a, b, counterpart(a, b, 0))).toBeUndefined()
  })

  it('twins are told by their places, with a doubt and its figures', () => {
    const twins = [person(0, 0.3), person(0, 0.7, 0.05)]
    const later = [person(0, 0.72, 0.1), person(0, 0.28, 0.2)]
    const match = counterpart(twins, later, 0)
    expect(match.b).toBe(1)
    expect(doubt(twins, later, match)).toMatch(/difference 0\.\d\d/)
  })

  it('who is not in B is not taken silently', () => {
    const a = [person(0, 0.3), person(1, 0.7)]
    const b = [person(1, 0.3, 0.2)]
    const match = counterpart(a, b, 0)
    expect(match).toMatchObject({ a: 0, b: 0 })
    expect(doubt(a, b, match)).toMatch(
      /^it looks more like another face of A \(difference 0\.20\) than .* \(1\.\d\d\)$/,
    )
    const stranger = [person(2, 0.3), person(3, 0.8)]
    expect(doubt(a, stranger, counterpart(a, stranger, 0))).toMatch(
      /^it looks unlike the one of A \(difference 1\.41/,
    )
  })

  it('gives each face away once, the most alike first', () => {
    const a = [person(0, 0.2), person(1, 0.5), person(2, 0.8)]
    const b = [person(2, 0.2, 0.2), person(0, 0.5, 0.4)]
    expect(pairs(a, b)).toEqual([
      [2, 0],
      [0, 1],
    ])
  })

  it('measures places in shares of the photo', () => {
    const place = placeIn({ x: 100, y: 50, width: 100, height: 120 }, { width: 600, height: 400 })
    expect(place).toEqual({ x: 0.25, y: 0.275, side: 0.2 })
  })
})
