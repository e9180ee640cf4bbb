import { beforeAll, describe, expect, it } from 'vitest'
import type { FlowResult } from '../../src/face/types.js'
import { applySimilarityToPoints, invertSimilarity } from '../../src/geometry/similarity.js'
import type { Rgba } from '../../src/geometry/types.js'
import { drawShapes, encodePng } from '../../src/platform/node/image.js'
import { blank, paste } from '../../src/viz/canvas.js'
import { divergingColour, niceScale, sequentialColour, wheelColour } from '../../src/viz/colour-maps.js'
import { depthTile, drawOverview, drawPicture, flowTile, reliabilityTiles } from '../../src/viz/figures.js'
import { depthMap, flowMap, flowScale, pnccMap } from '../../src/viz/maps.js'
import { arrows } from '../../src/viz/overlays.js'
import { textShape, textWidth, wrapText } from '../../src/viz/text.js'
import { drawVideoFrame } from '../../src/viz/video-overlay.js'
import { denseFlow, mouthOpening, syntheticResult, together, turn } from '../support/synthetic.js'

const N = 224
let result: FlowResult
beforeAll(async () => {
  result = await syntheticResult(together(turn, mouthOpening))
})

const at = (image: Rgba, x: number, y: number) => [
  ...image.data.slice(4 * (y * image.width + x), 4 * (y * image.width + x) + 3),
]

describe('colours', () => {
  it('follow the wheel of Baker et al.: right red, down yellow, left cyan, up blue to violet', () => {
    expect(wheelColour(0, 0, 1)).toEqual([255, 255, 255])
    const full = (u: number, v: number) => wheelColour(u, v, 1)
    const [rr, rg, rb] = full(1, 0)
    expect(rr).toBe(255)
    expect(Math.max(rg, rb)).toBeLessThan(50)
    const [dr, dg, db] = full(0, 1)
    expect(dr).toBeGreaterThan(200)
    expect(dg).toBeGreaterThan(200)
    expect(db).toBe(0)
    const [lr, lg, lb] = full(-1, 0)
    expect(lr).toBeLessThan(50)
    expect(Math.min(lg, lb)).toBeGreaterThan(200)
    const [, ug, ub] = full(0, -1)
    expect(ub).toBe(255)
    expect(ug).toBeLessThan(50)
  })

  it('fade with the length and darken beyond the scale', () => {
    const [, half] = wheelColour(0.5, 0, 1)
    expect(half).toBeGreaterThan(110)
    expect(Math.max(...wheelColour(2, 0, 1))).toBeLessThan(200)
  })

  it('are white at zero and red and blue at the ends', () => {
    expect(divergingColour(0, 5)).toEqual([240, 240, 240])
    expect(divergingColour(5, 5)).toEqual([160, 22, 34])
    expect(divergingColour(-9, 5)).toEqual([33, 72, 165])
    expect(sequentialColour(0, 1)).toEqual([68, 1, 84])
    expect(sequentialColour(1, 1)).toEqual([253, 231, 37])
  })

  it('have round scales that an outlier does not stretch', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i === 0 ? 900 : 3.1))
    expect(niceScale(values, 1)).toBe(5)
    expect(niceScale([0.01], 1)).toBe(1)
    expect(niceScale([1], 1)).toBe(1)
    expect(niceScale([11], 1)).toBe(20)
  })
})

describe('maps', () => {
  it('show a field pixel by pixel and leave the rest grey', () => {
    const { flow, mask } = denseFlow(() => [4, 0, -3])
    const map = flowMap(flow, mask, flowScale(flow, mask))
    expect(flowScale(flow, mask)).toBe(5)
    expect(at(map, 112, 120)).toEqual([...wheelColour(4, 0, 5)])
    expect(at(map, 2, 2)).toEqual([44, 47, 54])
    // Towards the camera is red.
    expect(at(depthMap(flow, mask, 5), 112, 120)[0]).toBeGreaterThan(200)
  })

  it('keep PNCC values to the nearest of 256 steps', () => {
    const i = 100 * N + 112
    expect(at(pnccMap(result.pncc), 112, 100)).toEqual(
      [0, 1, 2].map((c) => Math.round((result.pncc[3 * i + c] as number) * 255)),
    )
  })
})

describe('text', () => {
  it('is drawn as outlines, never as text that needs a font', async () => {
    const line = textShape('Flow ±3.5 px × 2', 4, 20, { size: 16 })
    const image = await drawShapes(blank(160, 30), [line])
    const lit = Array.from({ length: 160 * 30 }, (_, i) => image.data[4 * i] as number).filter((v) => v > 200)
    expect(lit.length).toBeGreaterThan(150)
  })

  it('is as wide as its measure, from its anchor', async () => {
    const width = textWidth('ABC', 20)
    const image = await drawShapes(blank(100, 30), [textShape('ABC', 90, 24, { size: 20, anchor: 'end' })])
    const columns = Array.from({ length: 100 }, (_, x) =>
      Array.from({ length: 30 }, (_, y) => at(image, x, y)[0] as number).some((v) => v > 128),
    )
    expect(Math.abs(columns.indexOf(true) - (90 - width))).toBeLessThan(3)
    expect(columns.lastIndexOf(true)).toBeLessThan(90)
  })

  it('wraps at spaces', () => {
    expect(wrapText('one two three', 10, textWidth('one two', 10) + 1)).toEqual(['one two', 'three'])
    expect(textWidth('漢', 10)).toBe(textWidth('?', 10))
  })
})

describe('pictures', () => {
  it('are the same bytes every time', async () => {
    const first = Buffer.from(await encodePng(await drawOverview(result)))
    expect(first.equals(Buffer.from(await encodePng(await drawOverview(result))))).toBe(true)
  })

  it('keep the pixels of a map under legend and caption', async () => {
    const picture = await drawPicture([flowTile(result)])
    const map = flowTile(result).image
    expect(at(picture, 12 + 2 * 112, 12 + 2 * 120)).toEqual(at(map, 112, 120))
    expect(depthTile(result).legend).toMatchObject({ labels: ['−10', '0', '10'] })
  })

  it('have no reliability tiles without backward flow', () => {
    expect(reliabilityTiles(result)).toHaveLength(2)
    const { occlusion: _o, confidence: _c, ...forward } = result
    expect(reliabilityTiles(forward)).toEqual([])
  })

  it('draw an overview without photos', async () => {
    const { a: _a, b: _b, rigidPhoto: _r, ...registered } = result
    const image = await drawOverview(registered)
    expect(image.width).toBeGreaterThan(4 * N)
  })

  it('stretch arrows of small motions and say so', () => {
    const { flow, mask } = denseFlow(() => [1, 0, 0])
    expect(arrows(flow, mask, 1).factor).toBe(5)
    expect(arrows(flow, mask, 20).factor).toBe(1)
  })

  it('draw a video frame with the flow beside it, small frames enlarged', async () => {
    const { flow, mask, meshB, triangles } = result
    const back = invertSimilarity(result.b.toTemplate)
    const motion = { flow, mask, triangles, vertices: applySimilarityToPoints(back, meshB, 3) }
    const image = await drawVideoFrame(result.b.image, motion, ['frame 7'], 20)
    expect(image).toMatchObject({ width: 720 + 248, height: 576 })
    const small = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 4) }
    const enlarged = await drawVideoFrame(small, motion, [], 20)
    expect(enlarged).toMatchObject({ width: 640 + 248, height: 480 })
    const wide = { width: 640, height: 200, data: new Uint8Array(640 * 200 * 4) }
    const sizes = await Promise.all(
      [[], ['1'], ['1', '2', '3', '4']].map((l) => drawVideoFrame(wide, null, l, 20)),
    )
    expect(new Set(sizes.map(({ height }) => height)).size).toBe(1)
    const lost = await drawVideoFrame(small, null, ['face lost'], 20)
    expect(lost).toMatchObject({ width: 640 + 248, height: 480 })
    expect(at(lost, 652, 20)).toEqual([22, 24, 28])
  })

  it('cut what sticks out of a canvas', () => {
    const canvas = blank(4, 4)
    paste(canvas, blank(4, 4, [255, 0, 0]), -2, 3)
    expect(at(canvas, 1, 3)).toEqual([255, 0, 0])
    expect(at(canvas, 2, 3)).toEqual([22, 24, 28])
    paste(canvas, blank(2, 2), 9, 9)
  })
})
