import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ANCHOR_COUNT, anchorCentres } from '../../../src/face/find/anchors.js'
import { type Detection, decodeDetections, KEYPOINT } from '../../../src/face/find/decode.js'
import { detectionsInView } from '../../../src/face/find/detection.js'
import { intersectionOverUnion, weightedNonMaximumSuppression } from '../../../src/face/find/nms.js'
import {
  CROP_SIDE,
  letterbox,
  moveDetection,
  roiFromDetection,
  roiFromMesh,
  roiToCrop,
} from '../../../src/face/find/roi.js'
import { applySimilarity, invertSimilarity } from '../../../src/geometry/similarity.js'
import { GOLDEN_NAMES, readGolden } from '../../nets/front-end-goldens.js'

const KEYPOINTS = [30, 40, 50, 40, 40, 50, 40, 60, 20, 42, 60, 42]
const detection = (x: number, y: number, side: number, score: number, keypoints = KEYPOINTS): Detection => ({
  box: { x, y, width: side, height: side },
  keypoints,
  score,
})

describe('anchors', () => {
  it('are the centres of 16x16 cells, two each, then of 8x8 cells, six each', () => {
    const centres = anchorCentres()
    expect(centres).toHaveLength(896 * 2)
    const at = (i: number) => [...centres.slice(2 * i, 2 * i + 2)]
    expect([at(0), at(1), at(2), at(32)]).toEqual([
      [4, 4],
      [4, 4],
      [12, 4],
      [4, 12],
    ])
    expect([at(511), at(512), at(517), at(518), at(895)]).toEqual([
      [124, 124],
      [8, 8],
      [8, 8],
      [24, 8],
      [120, 120],
    ])
  })
})

describe('decoding', () => {
  const empty = () => ({
    logits: new Float32Array(ANCHOR_COUNT).fill(-10),
    boxes: new Float32Array(ANCHOR_COUNT * 16),
  })

  it('adds the anchor to centre and keypoints, not to the size', () => {
    const { logits, boxes } = empty()
    logits[2] = 0
    boxes.set([1, -2, 20, 30, 5, 6], 2 * 16)
    const [found, ...others] = decodeDetections(logits, boxes)
    expect(others).toEqual([])
    expect(found?.score).toBe(0.5)
    expect(found?.box).toEqual({ x: 12 + 1 - 10, y: 4 - 2 - 15, width: 20, height: 30 })
    expect(found?.keypoints.slice(0, 4)).toEqual([17, 10, 12, 4])
  })

  it('leaves out low scores and boxes without area', () => {
    const { logits, boxes } = empty()
    logits.set([3, 3, 3])
    boxes.set([0, 0, -5, 5], 0)
    boxes.set([0, 0, 5, 0], 16)
    expect(decodeDetections(logits, boxes)).toEqual([])
    boxes.set([0, 0, 5, 5], 32)
    expect(decodeDetections(logits, boxes)).toHaveLength(1)
    expect(decodeDetections(logits, boxes, 0.96)).toEqual([])
  })

  it('refuses other lengths and numbers that are not finite', () => {
    const { logits, boxes } = empty()
    expect(() => decodeDetections(logits.slice(1), boxes)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
    expect(() => decodeDetections(logits, boxes.slice(1))).toThrow(/needs 896 and 14336/)
    logits[7] = 5
    boxes[7 * 16 + 9] = Number.NaN
    expect(() => decodeDetections(logits, boxes)).toThrow(
      expect.objectContaining({ code: 'NUMERIC_OVERFLOW', message: expect.stringContaining('anchor 7') }),
    )
    boxes[7 * 16 + 9] = 0
    logits[8] = Number.NaN
    expect(() => decodeDetections(logits, boxes)).toThrow(/anchor 8/)
  })
})

describe('weighted non-maximum suppression', () => {
  it('averages what overlaps the best, by score', () => {
    const kept = weightedNonMaximumSuppression([detection(12, 10, 20, 0.6), detection(10, 10, 20, 0.9)])
    expect(kept).toHaveLength(1)
    expect(kept[0]?.score).toBe(0.9)
    expect(kept[0]?.box.x).toBeCloseTo((12 * 0.6 + 10 * 0.9) / 1.5, 12)
    expect(kept[0]?.box.width).toBeCloseTo(20, 12)
    expect(kept[0]?.keypoints[0]).toBeCloseTo(30, 12)
  })

  it('keeps faces that lie apart, best first, and those at the threshold', () => {
    const apart = [detection(100, 0, 20, 0.7), detection(0, 0, 20, 0.8)]
    expect(weightedNonMaximumSuppression(apart).map((d) => d.score)).toEqual([0.8, 0.7])
    // 1/3 of the union is shared.
    const half = [detection(0, 0, 20, 0.9), detection(10, 0, 20, 0.8)]
    expect(intersectionOverUnion(half[0]?.box ?? fail(), half[1]?.box ?? fail())).toBeCloseTo(1 / 3, 12)
    expect(weightedNonMaximumSuppression(half, 1 / 3 + 1e-9)).toHaveLength(2)
    expect(weightedNonMaximumSuppression(half, 0.3)).toHaveLength(1)
  })

  it('gives back nothing for nothing', () => {
    expect(weightedNonMaximumSuppression([])).toEqual([])
  })

  it('never loses the best, never grows, ends with boxes inside the hull of the given (property)', () => {
    const any = fc
      .tuple(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ min: 1, max: 50, noNaN: true }),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
      )
      .map(([x, y, side, score]) => detection(x, y, side, score))
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 15 }), (given) => {
        const kept = weightedNonMaximumSuppression(given)
        const scores = kept.map((d) => d.score)
        expect(kept.length).toBeLessThanOrEqual(given.length)
        expect(scores[0]).toBe(Math.max(...given.map((d) => d.score)))
        expect(scores).toEqual([...scores].sort((a, b) => b - a))
        for (const { box } of kept) {
          expect(box.x).toBeGreaterThanOrEqual(Math.min(...given.map((d) => d.box.x)) - 1e-9)
          expect(box.x).toBeLessThanOrEqual(Math.max(...given.map((d) => d.box.x)) + 1e-9)
        }
      }),
    )
  })
})

function fail(): never {
  throw new Error('missing')
}

describe('letterbox', () => {
  it.each([
    [400, 200],
    [200, 400],
    [128, 128],
    [1, 3000],
  ])('%dx%d: centre to centre, longer side to 128, and back', (width, height) => {
    const s = letterbox(width, height)
    expect(applySimilarity(s, width / 2, height / 2)).toEqual([expect.closeTo(64, 9), expect.closeTo(64, 9)])
    const [left, top] = applySimilarity(s, 0, 0)
    expect(Math.min(left, top)).toBeCloseTo(0, 9)
    const back = moveDetection(moveDetection(detection(3, 4, 5, 0.9), s), invertSimilarity(s))
    expect(back.box.width).toBeCloseTo(5, 6)
    expect(back.keypoints[2]).toBeCloseTo(50, 6)
  })
})

describe('region of interest', () => {
  it('is 1.5 times the longer side, upright along the eyes', () => {
    const roi = roiFromDetection({ ...detection(0, 0, 0, 1), box: { x: 10, y: 20, width: 40, height: 60 } })
    expect(roi).toEqual({ cx: 30, cy: 50, side: 90, angle: 0 })
    const tilted = KEYPOINTS.with(2 * KEYPOINT.leftEye, 30).with(2 * KEYPOINT.leftEye + 1, 60)
    expect(roiFromDetection(detection(0, 0, 10, 1, tilted)).angle).toBeCloseTo(Math.PI / 2, 12)
  })

  it('maps its centre to the crop centre and the eye line to the horizontal', () => {
    const angle = 0.3
    const s = roiToCrop({ cx: 100, cy: 50, side: 96, angle })
    expect(applySimilarity(s, 100, 50)).toEqual([expect.closeTo(96, 9), expect.closeTo(96, 9)])
    const [x, y] = applySimilarity(s, 100 + 10 * Math.cos(angle), 50 + 10 * Math.sin(angle))
    expect(x).toBeCloseTo(96 + 10 * (CROP_SIDE / 96), 9)
    expect(y).toBeCloseTo(96, 9)
  })

  it('of a mesh holds the whole mesh', () => {
    const mesh = new Float32Array(468 * 3)
    for (let v = 0; v < 468; v++) mesh.set([10 + (v % 20), 5 + Math.floor(v / 20), 99], 3 * v)
    mesh.set([12, 10, 0], 3 * 33)
    mesh.set([22, 10, 0], 3 * 263)
    expect(roiFromMesh(mesh)).toEqual({ cx: 19.5, cy: 16.5, side: 23 * 1.5, angle: 0 })
    expect(() => roiFromMesh(mesh.slice(3))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})

describe('detector output of real photos', () => {
  it.each(GOLDEN_NAMES)('%s: one face, region within half a pixel of the original solution', async (name) => {
    const { photo, roi, answers } = await readGolden(name)
    const found = detectionsInView(
      answers.tensor('detector.scores', [896]),
      answers.tensor('detector.boxes', [896, 16]),
      letterbox(photo.width, photo.height),
    )
    expect(found).toHaveLength(1)
    const ours = roiFromDetection(found[0] ?? fail())
    // The solution samples and runs its detector on the GPU, which moves its region by 0.04 to 0.5 photo px.
    expect(Math.hypot(ours.cx - roi.cx, ours.cy - roi.cy)).toBeLessThan(0.6)
    expect(Math.abs(ours.side / roi.side - 1)).toBeLessThan(0.002)
    expect(Math.abs(ours.angle - roi.angle)).toBeLessThan(0.005)
  })
})
