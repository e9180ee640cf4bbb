import { describe, expect, it } from 'vitest'
import { DETECTOR_SIDE } from '../../../src/face/find/anchors.js'
import type { Detection } from '../../../src/face/find/decode.js'
import {
  chooseFace,
  holdsChoice,
  holdsFaceNear,
  nearest,
  searchFaces,
  type ViewDetector,
} from '../../../src/face/find/face-search.js'
import { applySimilarity, invertSimilarity, similarityScale } from '../../../src/geometry/similarity.js'
import type { Box } from '../../../src/geometry/types.js'

/** A face of a made-up photo; photo px. `turn`: clockwise quarter turns. `score`: as seen upright. */
interface Face {
  readonly cx: number
  readonly cy: number
  readonly side: number
  readonly turn?: number
  readonly score?: number
}

/** A detector with the limits of the real one: sees faces of 12 px and more, lying ones with less certainty. */
function detectorOf(faces: readonly Face[]): { detect: ViewDetector; runs: () => number } {
  let runs = 0
  const detect: ViewDetector = async (view) => {
    runs++
    const back = invertSimilarity(view)
    const viewTurn = Math.round(Math.atan2(view.b, view.a) / (Math.PI / 2))
    return faces.flatMap(({ cx, cy, side, turn = 0, score = 0.95 }): Detection[] => {
      const [x, y] = applySimilarity(view, cx, cy)
      const seen = side * similarityScale(view)
      if (seen < 12 || x < 0 || y < 0 || x > DETECTOR_SIDE || y > DETECTOR_SIDE) return []
      const quarters = (((turn + viewTurn) % 4) + 4) % 4
      if (quarters === 2) return []
      const angle = (turn * Math.PI) / 2
      const eye = (sign: number) => [
        cx + (sign * side * Math.cos(angle)) / 4,
        cy + (sign * side * Math.sin(angle)) / 4,
      ]
      const half = (side / 2) * similarityScale(view) * similarityScale(back)
      return [
        {
          box: { x: cx - half, y: cy - half, width: 2 * half, height: 2 * half },
          keypoints: [...eye(-1), ...eye(1), ...Array.from({ length: 8 }, () => 0)],
          score: quarters === 0 ? score : score - 0.1,
        },
      ]
    })
  }
  return { detect, runs: () => runs }
}

const centre = ({ x, y, width, height }: Box) => [x + width / 2, y + height / 2]

describe('search for faces', () => {
  it('looks once where a sure upright face is', async () => {
    const { detect, runs } = detectorOf([{ cx: 300, cy: 200, side: 150 }])
    const { detections, tried } = await searchFaces(640, 480, detect)
    expect(detections).toHaveLength(1)
    expect(tried).toEqual(['the whole photo'])
    expect(runs()).toBe(1)
  })

  it('orders faces by size', async () => {
    const { detect } = detectorOf([
      { cx: 100, cy: 200, side: 80 },
      { cx: 400, cy: 200, side: 150 },
      { cx: 250, cy: 400, side: 110 },
    ])
    const { detections } = await searchFaces(640, 480, detect)
    expect(detections.map(({ box }) => Math.round(box.width))).toEqual([150, 110, 80])
  })

  it.each([1, 3])('turns a face that lies by %i quarter turns upright, with one more look', async (turn) => {
    const { detect, runs } = detectorOf([{ cx: 300, cy: 200, side: 150, turn }])
    const { detections } = await searchFaces(640, 480, detect)
    expect(detections.map(({ score }) => score)).toEqual([0.95])
    expect(runs()).toBe(2)
  })

  it('finds a face upside down', async () => {
    const { detect, runs } = detectorOf([{ cx: 300, cy: 200, side: 150, turn: 2 }])
    const { detections } = await searchFaces(640, 480, detect)
    expect(detections.map(({ box }) => centre(box))).toEqual([[300, 200]])
    expect(runs()).toBe(4)
  })

  it('keeps to an unsure upright face unless a turned one is clearly surer', async () => {
    const upright: Face = { cx: 150, cy: 200, side: 100, score: 0.7 }
    const { detect } = detectorOf([upright, { cx: 450, cy: 200, side: 100, turn: 2, score: 0.75 }])
    expect((await searchFaces(640, 480, detect)).detections.map(({ score }) => score)).toEqual([0.7])
    const { detect: other } = detectorOf([upright, { cx: 450, cy: 200, side: 100, turn: 2, score: 0.9 }])
    const { detections } = await searchFaces(640, 480, other)
    expect(detections.some(({ box }) => box.x > 300)).toBe(true)
  })

  it.each([
    [160, 'tiles of half its size'],
    [80, 'tiles of a quarter of its size'],
    [38, 'tiles of an eighth of its size'],
  ])('finds a face of %i px in a photo of 3000 px in %s, once', async (side, stage) => {
    // On the border of tiles: several of them see it.
    const { detect } = detectorOf([{ cx: 2250, cy: 1000, side }])
    const { detections, tried } = await searchFaces(3000, 2000, detect)
    expect(detections).toHaveLength(1)
    expect(tried.at(-1)).toBe(stage)
  })

  it('goes on to smaller faces until it has found enough', async () => {
    const { detect, runs } = detectorOf([
      { cx: 1000, cy: 1000, side: 600 },
      { cx: 2200, cy: 500, side: 80 },
    ])
    expect((await searchFaces(3000, 2000, detect)).detections).toHaveLength(1)
    expect(runs()).toBe(1)
    const wanted = (boxes: readonly Box[]) => holdsChoice(boxes, { at: [2200, 500] })
    const { detections, tried } = await searchFaces(3000, 2000, detect, wanted)
    expect(detections.map(({ box }) => Math.round(box.width))).toEqual([600, 80])
    expect(tried).toEqual(['the whole photo', 'tiles of half its size', 'tiles of a quarter of its size'])
    const all = await searchFaces(3000, 2000, detect, () => false)
    expect(all.detections).toHaveLength(2)
  })

  it('ends with what it tried; tiles too small to show anything new are left out', async () => {
    const { detect } = detectorOf([])
    expect((await searchFaces(3000, 2000, detect)).tried).toEqual([
      'the whole photo',
      'turned by 90, 180 and 270 degrees',
      'tiles of half its size',
      'tiles of a quarter of its size',
      'tiles of an eighth of its size',
    ])
    expect((await searchFaces(200, 150, detect)).tried).toHaveLength(2)
  })

  it('ignores boxes whose centre lies outside the photo: the black beside a narrow one', async () => {
    const { detect } = detectorOf([{ cx: -40, cy: 300, side: 100 }])
    expect((await searchFaces(300, 600, detect)).detections).toEqual([])
  })

  it('covers every point of the photo with tiles', async () => {
    for (const [width, height] of [
      [1000, 1000],
      [1500, 400],
      [400, 1500],
    ] as const) {
      for (const [x, y] of [
        [0.02, 0.02],
        [0.98, 0.5],
        [0.5, 0.98],
        [0.33, 0.66],
      ] as const) {
        const side = Math.max(width, height) / 16
        const { detect } = detectorOf([{ cx: x * width, cy: y * height, side }])
        expect((await searchFaces(width, height, detect)).detections).toHaveLength(1)
      }
    }
  })
})

describe('choice of a face', () => {
  const boxes = [
    { x: 0, y: 0, width: 100, height: 100 },
    { x: 200, y: 0, width: 60, height: 60 },
    { x: 220, y: 20, width: 20, height: 20 },
  ]

  it('takes the largest by default and the n-th by number', () => {
    expect(chooseFace(boxes, undefined)).toBe(0)
    expect(chooseFace(boxes, { index: 2 })).toBe(2)
    expect(chooseFace(boxes, { index: 3 })).toBeUndefined()
    expect(chooseFace([], undefined)).toBeUndefined()
  })

  it('takes the face at a point, else the nearest', () => {
    expect(chooseFace(boxes, { at: [90, 90] })).toBe(0)
    expect(chooseFace(boxes, { at: [210, 50] })).toBe(1)
    expect(chooseFace(boxes, { at: [150, 200] })).toBe(0)
    expect(chooseFace(boxes, { at: [400, 30] })).toBe(1)
    expect(chooseFace([], { at: [1, 1] })).toBeUndefined()
  })

  it('knows whether the chosen one is among them', () => {
    expect(holdsChoice(boxes, undefined)).toBe(true)
    expect(holdsChoice([], undefined)).toBe(false)
    expect([holdsChoice(boxes, { index: 2 }), holdsChoice(boxes, { index: 3 })]).toEqual([true, false])
    expect([holdsChoice(boxes, { at: [50, 50] }), holdsChoice(boxes, { at: [150, 50] })]).toEqual([
      true,
      false,
    ])
  })

  it('knows whether a face lies where one is expected', () => {
    expect(holdsFaceNear(boxes, 120, 50, 20)).toBe(true)
    expect(holdsFaceNear(boxes, 50, 190, 60)).toBe(false)
    expect(holdsFaceNear(boxes, 50, 190, 150)).toBe(true)
    expect(holdsFaceNear([], 0, 0, 100)).toBe(false)
  })

  it('measures distance to the centre', () => {
    expect(nearest(boxes, 231, 31)).toBe(1)
    expect(nearest(boxes, 120, 50)).toBe(0)
    expect(nearest([], 0, 0)).toBeUndefined()
  })
})
