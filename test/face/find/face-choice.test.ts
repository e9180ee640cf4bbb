import { describe, expect, it } from 'vitest'
import { checkedChoice, chooseFace, holdsChoice, nearest } from '../../../src/face/find/face-choice.js'
import type { FaceChoice } from '../../../src/face/types.js'
import { plain } from '../../e2e/pictures.js'

const PHOTO = plain(640, 300, 0)
const BOXES = [
  { x: 0, y: 0, width: 100, height: 100 },
  { x: 200, y: 0, width: 60, height: 60 },
  { x: 220, y: 20, width: 20, height: 20 },
]
const choose = (choice: FaceChoice | undefined) => chooseFace(BOXES, choice, PHOTO, 'p.jpg')

describe('choice of a face', () => {
  it('takes the largest by default and the n-th by number', () => {
    expect(choose(undefined)).toBe(0)
    expect(choose({ index: 2 })).toBe(2)
    expect(() => choose({ index: 3 })).toThrow('p.jpg: it shows 3 face(s), fewer than the number asked for')
  })

  it('takes the face at a point; of several the one whose box holds it', () => {
    expect(choose({ at: [90, 90] })).toBe(0)
    expect(choose({ at: [210, 50] })).toBe(1)
    expect(choose({ at: [230, 30] })).toBe(2)
    // Hair and chin lie outside of the box.
    expect(choose({ at: [50, 130] })).toBe(0)
    expect(choose({ at: [130, 20] })).toBe(0)
  })

  it.each([
    [150, 200, 112],
    [420, 30, 160],
    [150, 40, 50],
  ])('refuses the background at (%i, %i)', (x, y, distance) => {
    expect(() => choose({ at: [x, y] })).toThrow(
      new RegExp(
        `^p\\.jpg: there is no face at \\(${x}, ${y}\\); the nearest of 3 is ${distance} px away, its middle at \\(`,
      ),
    )
    expect(holdsChoice(BOXES, { at: [x, y] })).toBe(false)
  })

  it.each([
    [-1, 50],
    [50, 301],
    [641, 10],
  ])('refuses the point (%i, %i) outside of the photo', (x, y) => {
    expect(() => choose({ at: [x, y] })).toThrow(
      /lies outside the photo of 640x300 px; give a point on the face/,
    )
  })

  it('knows whether the chosen one is among them', () => {
    expect(holdsChoice(BOXES, undefined)).toBe(true)
    expect(holdsChoice([], undefined)).toBe(false)
    expect([holdsChoice(BOXES, { index: 2 }), holdsChoice(BOXES, { index: 3 })]).toEqual([true, false])
    expect([holdsChoice(BOXES, { at: [50, 50] }), holdsChoice(BOXES, { at: [150, 150] })]).toEqual([
      true,
      false,
    ])
  })

  it('measures distance to the centre', () => {
    expect(nearest(BOXES, 231, 31)).toBe(1)
    expect(nearest(BOXES, 120, 50)).toBe(0)
    expect(nearest([], 0, 0)).toBeUndefined()
  })

  it('is checked', () => {
    expect(checkedChoice(undefined, 'face')).toBeUndefined()
    expect(checkedChoice({ index: 0 }, 'face')).toEqual({ index: 0 })
    expect(checkedChoice({ at: [1.5, 2] }, 'face')).toEqual({ at: [1.5, 2] })
    for (const wrong of [
      1,
      null,
      'largest',
      {},
      { index: -1 },
      { index: 1.5 },
      { at: [1] },
      { at: [1, Number.NaN] },
      { at: 3 },
      { index: 0, at: [1, 2] },
    ]) {
      expect(() => checkedChoice(wrong, 'faceB')).toThrow(
        /^faceB must be \{ index \}, a whole number from 0 on, or \{ at:/,
      )
    }
  })
})
