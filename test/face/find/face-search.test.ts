import { describe, expect, it } from 'vitest'
import { DETECTOR_SIDE } from '../../../src/face/find/anchors.js'
import type { Candidate } from '../../../src/face/find/candidate.js'
import type { Detection } from '../../../src/face/find/decode.js'
import { holdsChoice } from '../../../src/face/find/face-choice.js'
import { type PhotoLook, searchFaces, straightened } from '../../../src/face/find/face-search.js'
import { EYE_LINE, type RegionOfInterest } from '../../../src/face/find/roi.js'
import { applySimilarity, invertSimilarity, similarityScale } from '../../../src/geometry/similarity.js'
import type { Box } from '../../../src/geometry/types.js'

/** A face of a made-up photo; photo px. `turn`: clockwise quarter turns, of any part. `score`: as seen upright. */
interface Face {
  readonly cx: number
  readonly cy: number
  readonly side: number
  readonly turn?: number
  readonly score?: number
  /** What the landmark network says of it; default 1. */
  readonly presence?: number
}

/**
 * Networks with the limits of the real ones. The detector sees faces of 12 px and more; lying ones, and ones upside
 * down, with less certainty and eyes at wrong places. The landmark network takes a face of any orientation for an
 * upright one.
 */
function networksOf(faces: readonly Face[]): { look: PhotoLook; runs: () => number; regions: () => number } {
  let [runs, regions] = [0, 0]
  const detect = async (view: { a: number; b: number; tx: number; ty: number }): Promise<Detection[]> => {
    runs++
    const back = invertSimilarity(view)
    const viewTurn = Math.atan2(view.b, view.a) / (Math.PI / 2)
    return faces.flatMap(({ cx, cy, side, turn = 0, score = 0.95 }): Detection[] => {
      const [x, y] = applySimilarity(view, cx, cy)
      const seen = side * similarityScale(view)
      if (seen < 12 || x < 0 || y < 0 || x > DETECTOR_SIDE || y > DETECTOR_SIDE) return []
      const off = Math.abs(((((turn + viewTurn + 2) % 4) + 4) % 4) - 2)
      // The eyes of a face that is not upright are seen where an upright one would have them.
      const angle = off < 1 ? (turn * Math.PI) / 2 : (-viewTurn * Math.PI) / 2
      const eye = (sign: number) => [
        cx + (sign * side * Math.cos(angle)) / 4,
        cy + (sign * side * Math.sin(angle)) / 4,
      ]
      const half = (side / 2) * similarityScale(view) * similarityScale(back)
      return [
        {
          box: { x: cx - half, y: cy - half, width: 2 * half, height: 2 * half },
          keypoints: [...eye(-1), ...eye(1), ...Array.from({ length: 8 }, () => 0)],
          score: off < 0.6 ? score : score - 0.11,
        },
      ]
    })
  }
  const landmarks = async ({ cx, cy, side, angle }: RegionOfInterest) => {
    regions++
    const mesh = new Float32Array(468 * 3)
    EYE_LINE.forEach((vertex, i) => {
      const reach = ((2 * i - 1) * side) / 6
      mesh.set([cx + reach * Math.cos(angle), cy + reach * Math.sin(angle), 0], 3 * vertex)
    })
    const face = faces.find((one) => Math.hypot(one.cx - cx, one.cy - cy) < one.side / 2)
    return { mesh, irises: new Float32Array(20), presence: face?.presence ?? 1 }
  }
  return { look: { detect, landmarks }, runs: () => runs, regions: () => regions }
}

const angleOf = ({ landmarks: { mesh } }: Candidate) => {
  const [right, left] = EYE_LINE.map((v) => [mesh[3 * v] as number, mesh[3 * v + 1] as number]) as [
    [number, number],
    [number, number],
  ]
  return (Math.round((Math.atan2(left[1] - right[1], left[0] - right[0]) * 180) / Math.PI) + 360) % 360
}

const centre = ({ x, y, width, height }: Box) => [x + width / 2, y + height / 2]

describe('search for faces', () => {
  it('looks once where a sure upright face is', async () => {
    const { look, runs } = networksOf([{ cx: 300, cy: 200, side: 150 }])
    const { faces, tried } = await searchFaces(640, 480, look)
    expect(faces).toHaveLength(1)
    expect(tried).toEqual(['the whole photo'])
    expect(runs()).toBe(1)
  })

  it('orders faces by size', async () => {
    const { look } = networksOf([
      { cx: 100, cy: 200, side: 80 },
      { cx: 400, cy: 200, side: 150 },
      { cx: 250, cy: 400, side: 110 },
    ])
    const { faces } = await searchFaces(640, 480, look)
    expect(faces.map(({ box }) => Math.round(box.width))).toEqual([150, 110, 80])
  })

  it.each([1, 2, 3])('turns a face that lies by %i quarter turns upright', async (turn) => {
    // Sideways and upside down it passes for an upright one, with a score of 0.84 and a presence of 1.
    const { look, runs } = networksOf([{ cx: 300, cy: 200, side: 150, turn }])
    const { faces } = await searchFaces(640, 480, look)
    expect(faces.map(({ score }) => score)).toEqual([0.95])
    expect(angleOf(faces[0] as Candidate)).toBe(90 * turn)
    expect(runs()).toBeLessThanOrEqual(4)
  })

  it.each([15, 40, 75, 120, 200, 330])('brings a face turned by %i degrees upright', async (degrees) => {
    const { look } = networksOf([{ cx: 300, cy: 200, side: 150, turn: degrees / 90 }])
    const { faces } = await searchFaces(640, 480, look)
    expect(faces).toHaveLength(1)
    const [face] = faces as [Candidate]
    expect(angleOf(face)).toBe(degrees)
    const straight = await straightened(face, look)
    expect(angleOf(straight)).toBe(degrees)
    expect(centre(straight.box)[0]).toBeCloseTo(300, 3)
    // Seen upright, to within what needs no second look.
    const viewAngle = (Math.atan2(straight.view.b, straight.view.a) * 180) / Math.PI
    const off = (((degrees + viewAngle + 180) % 360) + 360) % 360
    expect(Math.abs(off - 180)).toBeLessThanOrEqual(viewAngle === 0 ? 50 : 20)
  })

  it('keeps to an unsure upright face that no turned view shows better', async () => {
    const { look, runs } = networksOf([{ cx: 150, cy: 200, side: 100, score: 0.7 }])
    const { faces } = await searchFaces(640, 480, look)
    expect(faces.map(({ score }) => score)).toEqual([0.7])
    expect(angleOf(faces[0] as Candidate)).toBe(0)
    expect(runs()).toBe(4)
  })

  it('finds an upright face and one upside down in one photo', async () => {
    const { look } = networksOf([
      { cx: 150, cy: 200, side: 120 },
      { cx: 450, cy: 200, side: 100, turn: 2 },
    ])
    const { faces } = await searchFaces(640, 480, look)
    expect(faces.map(angleOf)).toEqual([0, 180])
  })

  it('turns small faces upright that only tiles show', async () => {
    const { look } = networksOf([{ cx: 2250, cy: 1000, side: 80, turn: 1 }])
    const { faces } = await searchFaces(3000, 2000, look)
    expect(faces.map(angleOf)).toEqual([90])
  })

  it('lets the landmark network have the last word, and says what it refused', async () => {
    const { look } = networksOf([{ cx: 300, cy: 200, side: 150, score: 0.96, presence: 0.3 }])
    const { faces, rejected } = await searchFaces(640, 480, look)
    expect(faces).toEqual([])
    expect(rejected?.landmarks.presence).toBe(0.3)
    // A guess of the detector must be a face to it beyond doubt.
    const guess = networksOf([{ cx: 300, cy: 200, side: 150, score: 0.6, presence: 0.96 }])
    expect((await searchFaces(640, 480, guess.look)).faces).toEqual([])
  })

  it('takes a guess that reaches into a better face for a part of it, and one beside it for a face', async () => {
    const sure = { cx: 320, cy: 300, side: 200 }
    const guess = (cy: number) => networksOf([sure, { cx: 320, cy, side: 150, score: 0.6 }]).look
    expect((await searchFaces(640, 480, guess(160))).faces).toHaveLength(1)
    expect((await searchFaces(640, 480, guess(130))).faces).toHaveLength(2)
  })

  it('takes nothing for a face that a second look at a guess denies', async () => {
    const { look } = networksOf([{ cx: 300, cy: 200, side: 150, score: 0.6 }])
    let looks = 0
    const landmarks = async (roi: RegionOfInterest) => {
      const seen = await look.landmarks(roi)
      return { ...seen, presence: looks++ % 2 === 0 ? 0.999 : 0.7 }
    }
    const { faces, rejected } = await searchFaces(640, 480, { detect: look.detect, landmarks })
    expect(faces).toEqual([])
    expect(rejected?.landmarks.presence).toBe(0.7)
  })

  it('takes a guess in a turned view for none', async () => {
    const lying = (score: number) => networksOf([{ cx: 300, cy: 200, side: 150, turn: 2, score }]).look
    expect((await searchFaces(640, 480, lying(0.68))).faces).toEqual([])
    expect((await searchFaces(640, 480, lying(0.72))).faces).toHaveLength(1)
  })

  it('takes nothing for a face that no view shows upright', async () => {
    const lying = { cx: 300, cy: 200, side: 150, score: 0.6 }
    const { look } = networksOf([lying])
    expect((await searchFaces(640, 480, look)).faces).toHaveLength(1)
    // An ear: every view shows its eyes one above the other.
    const upEyes = async (roi: RegionOfInterest) => look.landmarks({ ...roi, angle: roi.angle + Math.PI / 2 })
    expect((await searchFaces(640, 480, { detect: look.detect, landmarks: upEyes })).faces).toEqual([])
  })

  it('takes parts of a sure face for no faces of their own', async () => {
    const { look, regions } = networksOf([
      { cx: 300, cy: 200, side: 200 },
      { cx: 330, cy: 240, side: 40, score: 0.6 },
    ])
    expect((await searchFaces(640, 480, look, () => false)).faces).toHaveLength(1)
    expect(regions()).toBeLessThan(4)
  })

  it.each([
    [160, 'tiles of half its size'],
    [80, 'tiles of a quarter of its size'],
    [38, 'tiles of an eighth of its size'],
  ])('finds a face of %i px in a photo of 3000 px in %s, once', async (side, stage) => {
    // On the border of tiles: several of them see it.
    const { look } = networksOf([{ cx: 2250, cy: 1000, side }])
    const { faces, tried } = await searchFaces(3000, 2000, look)
    expect(faces).toHaveLength(1)
    expect(tried.at(-1)).toBe(stage)
  })

  it('goes on to smaller faces until it has found enough', async () => {
    const { look, runs } = networksOf([
      { cx: 1000, cy: 1000, side: 600 },
      { cx: 2200, cy: 500, side: 80 },
    ])
    expect((await searchFaces(3000, 2000, look)).faces).toHaveLength(1)
    expect(runs()).toBe(1)
    const wanted = (faces: readonly Candidate[]) =>
      holdsChoice(
        faces.map(({ box }) => box),
        { at: [2200, 500] },
      )
    const { faces, tried } = await searchFaces(3000, 2000, look, wanted)
    expect(faces.map(({ box }) => Math.round(box.width))).toEqual([600, 80])
    expect(tried).toEqual(['the whole photo', 'tiles of half its size', 'tiles of a quarter of its size'])
    const all = await searchFaces(3000, 2000, look, () => false)
    expect(all.faces).toHaveLength(2)
  })

  it('ends with what it tried; tiles too small to show anything new are left out', async () => {
    const { look } = networksOf([])
    expect((await searchFaces(3000, 2000, look)).tried).toEqual([
      'the whole photo',
      'turned by 90, 180 and 270 degrees',
      'tiles of half its size',
      'tiles of a quarter of its size',
      'tiles of an eighth of its size',
    ])
    expect((await searchFaces(200, 150, look)).tried).toHaveLength(2)
  })

  it('ignores boxes whose centre lies outside the photo: the black beside a narrow one', async () => {
    const { look } = networksOf([{ cx: -40, cy: 300, side: 100 }])
    expect((await searchFaces(300, 600, look)).faces).toEqual([])
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
        const { look } = networksOf([{ cx: x * width, cy: y * height, side }])
        expect((await searchFaces(width, height, look)).faces).toHaveLength(1)
      }
    }
  })
})
