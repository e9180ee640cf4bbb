import { beforeAll, describe, expect, it } from 'vitest'
import type { Detection } from '../../../src/face/find/decode.js'
import { FaceFinder, type FaceNetworks } from '../../../src/face/find/face-finder.js'
import { LANDMARK_VERTICES } from '../../../src/face/register/landmarks.js'
import { loadTemplate } from '../../../src/face/register/template-file.js'
import type { Template } from '../../../src/geometry/template.js'
import { MESH_VERTICES } from '../../../src/geometry/types.js'
import { plain } from '../../e2e/pictures.js'

let template: Template
beforeAll(async () => {
  template = await loadTemplate()
})

const PHOTO = plain(400, 300, 0)

/** A face whose 68 landmarks are the template's, scaled to `side` px. */
function detection(cx: number, cy: number, side: number, score: number): Detection {
  const keypoints = [cx - side / 4, cy, cx + side / 4, cy, ...Array.from({ length: 8 }, () => 0)]
  return { box: { x: cx - side / 2, y: cy - side / 2, width: side, height: side }, keypoints, score }
}

/** Answers with prepared detections in the upright view and with a template-shaped mesh in every region. */
class FakeNetworks implements FaceNetworks {
  regions = 0
  constructor(
    private readonly found: readonly Detection[],
    private readonly presence: number,
  ) {}
  async load() {}
  async detect({ b, tx }: { b: number; tx: number }): Promise<Detection[]> {
    // Only the view of the whole upright photo: unturned, and not shifted to a tile.
    return b === 0 && tx >= 0 ? [...this.found] : []
  }
  async landmarks({ cx, cy, side }: { cx: number; cy: number; side: number }) {
    this.regions++
    const scale = side / 1.5 / 224
    const mesh = new Float32Array(MESH_VERTICES * 3)
    const put = (vertex: number, landmark: number) => {
      const [x = 0, y = 0] = template.landmarks68.subarray(2 * landmark, 2 * landmark + 2)
      mesh.set([cx + (x - 112) * scale, cy + (y - 112) * scale, 0], 3 * vertex)
    }
    for (let v = 0; v < MESH_VERTICES; v++) put(v, v % 68)
    for (const [k, vertex] of LANDMARK_VERTICES.entries()) put(vertex, k)
    return { mesh, presence: this.presence }
  }
  async register() {
    return plain(224, 224, 0)
  }
}

const finder = (found: readonly Detection[], presence = 1) => {
  const networks = new FakeNetworks(found, presence)
  return { networks, finder: new FaceFinder(networks, template) }
}

describe('detection', () => {
  it('believes the detector where it is sure', async () => {
    const { finder: faces, networks } = finder([detection(200, 150, 90, 0.9)], 0)
    expect(await faces.detect(PHOTO, 'p')).toHaveLength(1)
    expect(networks.regions).toBe(0)
  })

  it('asks the landmark network where it is not', async () => {
    const unsure = [detection(200, 150, 90, 0.6)]
    expect(await finder(unsure, 0.99).finder.detect(PHOTO, 'p')).toHaveLength(1)
    await expect(finder(unsure, 0.9).finder.detect(PHOTO, 'p.jpg')).rejects.toMatchObject({
      code: 'NO_FACE',
      message: expect.stringMatching(
        /^p\.jpg: no face found \(tried the whole photo, turned by 90.*; use a photo/,
      ),
    })
  })

  it('names the size of faces that are too small', async () => {
    const small = [detection(200, 150, 31, 0.9), detection(100, 150, 20, 0.9)]
    await expect(finder(small).finder.detect(PHOTO, 'p')).rejects.toMatchObject({
      code: 'NO_FACE',
      message: 'p: the largest face is 31 px wide, at least 32 px are needed; use a larger or closer photo',
      details: { size: 31, limit: 32 },
    })
    const [only, ...others] = await finder([...small, detection(300, 150, 40, 0.9)]).finder.detect(PHOTO, 'p')
    expect(only?.box.width).toBe(40)
    expect(others).toEqual([])
  })
})

describe('registration', () => {
  it('brings the landmarks onto the template', async () => {
    const { frame, warnings } = await finder([]).finder.frame(PHOTO, 'p', detection(200, 150, 112, 0.9))
    expect(frame.registrationResidual).toBeCloseTo(0, 3)
    expect(frame.toTemplate.a).toBeCloseTo(2, 4)
    expect(frame.toTemplate.tx).toBeCloseTo(112 - 2 * 200, 2)
    expect(frame.score).toBe(0.9)
    expect(warnings).toEqual([])
  })

  it('refuses a region without a face', async () => {
    await expect(
      finder([], 0.3).finder.frame(PHOTO, 'p', detection(200, 150, 90, 0.9)),
    ).rejects.toMatchObject({
      code: 'NO_FACE',
      message: expect.stringMatching(/presence 0\.30, needed 0\.5/),
    })
  })

  it('warns of a face that is partly outside, and refuses one that is mostly so', async () => {
    const { finder: faces } = finder([])
    const cut = await faces.frame(PHOTO, 'p', detection(12, 150, 100, 0.9))
    expect(cut.warnings).toEqual([expect.stringMatching(/^p: \d+ % of the face lies outside the photo; the/)])
    await expect(faces.frame(PHOTO, 'p', detection(-10, 150, 100, 0.9))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^p: \d+ % of the face lies outside the photo, at most 35 % may; use/),
    })
  })

  it('tracks a face, and says when it is gone, too small or outside', async () => {
    const roi = { cx: 200, cy: 150, side: 150, angle: 0 }
    const tracked = await finder([]).finder.track(PHOTO, 'p', roi)
    expect(tracked?.frame.score).toBe(1)
    expect(tracked?.frame.box.width).toBeGreaterThan(50)
    expect(await finder([], 0.4).finder.track(PHOTO, 'p', roi)).toBeUndefined()
    expect(await finder([]).finder.track(PHOTO, 'p', { ...roi, side: 40 })).toBeUndefined()
    expect(await finder([]).finder.track(PHOTO, 'p', { ...roi, cx: 500 })).toBeUndefined()
  })
})
