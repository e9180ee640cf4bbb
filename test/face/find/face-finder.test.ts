import { beforeAll, describe, expect, it } from 'vitest'
import type { Candidate } from '../../../src/face/find/candidate.js'
import type { Detection } from '../../../src/face/find/decode.js'
import { FaceFinder, type FaceNetworks } from '../../../src/face/find/face-finder.js'
import { examine } from '../../../src/face/find/face-search.js'
import { letterbox } from '../../../src/face/find/roi.js'
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
  looks = 0
  regions = 0
  constructor(
    private readonly found: readonly Detection[],
    private readonly presence: number,
    /** Width of the faces as a share of the template's. */
    private readonly width = 1,
  ) {}
  async load() {}
  async detect({ b, tx }: { b: number; tx: number }): Promise<Detection[]> {
    this.looks++
    // Only the view of the whole upright photo: unturned, and not shifted to a tile.
    return b === 0 && tx >= 0 ? [...this.found] : []
  }
  async landmarks({ cx, cy, side }: { cx: number; cy: number; side: number }) {
    this.regions++
    const scale = side / 1.5 / 224
    const mesh = new Float32Array(MESH_VERTICES * 3)
    const put = (vertex: number, landmark: number) => {
      const [x = 0, y = 0] = template.landmarks68.subarray(2 * landmark, 2 * landmark + 2)
      mesh.set([cx + (x - 112) * scale * this.width, cy + (y - 112) * scale, 0], 3 * vertex)
    }
    for (let v = 0; v < MESH_VERTICES; v++) put(v, v % 68)
    for (const [k, vertex] of LANDMARK_VERTICES.entries()) put(vertex, k)
    return { mesh, irises: new Float32Array(20), presence: this.presence }
  }
  async register() {
    return plain(224, 224, 0)
  }
  registration(): never {
    throw new Error('frames are registered at once here')
  }
}

/** The detection as `detect` answers with it. */
async function candidate(networks: FakeNetworks, found: Detection): Promise<Candidate> {
  return examine(networks, found, letterbox(PHOTO.width, PHOTO.height))
}

const finder = (found: readonly Detection[], presence = 1) => {
  const networks = new FakeNetworks(found, presence)
  return { networks, finder: new FaceFinder(networks, template) }
}

describe('detection', () => {
  it('looks once at what both networks are sure of, and uses what it saw for the registration', async () => {
    const { finder: faces, networks } = finder([detection(200, 150, 90, 0.9)])
    const [face] = await faces.detect(PHOTO, 'p')
    expect([networks.looks, networks.regions]).toEqual([1, 1])
    await faces.frame(PHOTO, 'p', face as Candidate)
    expect([networks.looks, networks.regions]).toEqual([1, 1])
  })

  it('takes nothing for a face that is none to the landmark network', async () => {
    const unsure = [detection(200, 150, 90, 0.6)]
    expect(await finder(unsure, 0.99).finder.detect(PHOTO, 'p')).toHaveLength(1)
    for (const [found, presence] of [
      [unsure, 0.96],
      [[detection(200, 150, 90, 0.95)], 0.3],
    ] as const) {
      await expect(finder(found, presence).finder.detect(PHOTO, 'p.jpg')).rejects.toMatchObject({
        code: 'NO_FACE',
        message: expect.stringMatching(
          new RegExp(
            '^p\\.jpg: no face found \\(tried the whole photo, turned by 90[^)]*\\); what looked most like one, at \\(200, 150\\) ' +
              `with a score of 0\\.\\d+, is none to the landmark network \\(presence ${presence.toFixed(2)}\\); use a photo`,
          ),
        ),
        details: { presence },
      })
    }
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
    const { finder: faces, networks } = finder([])
    const { frame, warnings } = await faces.frame(
      PHOTO,
      'p',
      await candidate(networks, detection(200, 150, 112, 0.9)),
    )
    expect(frame.registrationResidual).toBeCloseTo(0, 3)
    expect(frame.toTemplate.a).toBeCloseTo(2, 4)
    expect(frame.toTemplate.tx).toBeCloseTo(112 - 2 * 200, 2)
    expect(frame.score).toBe(0.9)
    expect(warnings).toEqual([])
  })

  it('refuses a region without a face', async () => {
    const { finder: faces, networks } = finder([], 0.3)
    await expect(
      faces.frame(PHOTO, 'p', await candidate(networks, detection(200, 150, 90, 0.9))),
    ).rejects.toMatchObject({
      code: 'NO_FACE',
      message: expect.stringMatching(/presence 0\.30, needed 0\.5/),
    })
  })

  it('warns of a face that is partly outside, and refuses one that is mostly so', async () => {
    const { finder: faces, networks } = finder([])
    const cut = await faces.frame(PHOTO, 'p', await candidate(networks, detection(12, 150, 100, 0.9)))
    expect(cut.warnings).toEqual([expect.stringMatching(/^p: \d+ % of the face lies outside the photo; the/)])
    await expect(
      faces.frame(PHOTO, 'p', await candidate(networks, detection(-10, 150, 100, 0.9))),
    ).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^p: \d+ % of the face lies outside the photo, at most 35 % may; use/),
    })
  })

  it('warns of landmarks that are unsure or lie far from a face’s', async () => {
    const { finder: faces, networks } = finder([], 0.9)
    const { warnings } = await faces.frame(
      PHOTO,
      'p',
      await candidate(networks, detection(200, 150, 90, 0.95)),
    )
    expect(warnings).toEqual([expect.stringMatching(/^p: the landmark network is not sure .*presence 0\.90/)])
    const guess = finder([])
    const unclear = await guess.finder.frame(
      PHOTO,
      'p',
      await candidate(guess.networks, detection(200, 150, 90, 0.63)),
    )
    expect(unclear.warnings).toEqual([
      expect.stringMatching(
        /^p: the detector is not sure of the face \(score 0\.63, of a clear one 0\.8 and more\)/,
      ),
    ])
    const squeezed = new FakeNetworks([], 1, 0.4)
    const far = new FaceFinder(squeezed, template)
    const profile = await far.frame(PHOTO, 'p', await candidate(squeezed, detection(200, 150, 90, 0.95)))
    expect(profile.frame.registrationResidual).toBeGreaterThan(15)
    expect(profile.warnings).toEqual([
      expect.stringMatching(/^p: the landmarks lie \d+\.\d px from the template's \(4 to 7 px are usual\)/),
    ])
  })

  const START = { cx: 200, cy: 150, side: 150, angle: 0 }
  /** A face that stays where it is, wherever the network looks. */
  const still = async (roi: typeof START, presence = 1) => {
    const networks = new FakeNetworks([], presence)
    const seen = await networks.landmarks(roi)
    networks.regions = 0
    networks.landmarks = async () => {
      networks.regions++
      return seen
    }
    return { networks, finder: new FaceFinder(networks, template) }
  }

  it('tracks a face, and says when it is gone, too small or outside', async () => {
    const track = async (roi: typeof START, presence?: number) =>
      (await still(roi, presence)).finder.track(PHOTO, 'p', roi)
    const tracked = await track(START)
    expect(tracked?.frame.score).toBe(1)
    expect(tracked?.frame.box.width).toBeGreaterThan(50)
    expect(await track(START, 0.4)).toBeUndefined()
    expect(await track({ ...START, side: 40 })).toBeUndefined()
    expect(await track({ ...START, cx: 500 })).toBeUndefined()
  })

  it('looks again until the region is that of the mesh, and once where it was already', async () => {
    const { finder: faces, networks } = await still(START)
    const first = await faces.track(PHOTO, 'p', { ...START, cx: 230, angle: 0.3 })
    expect(networks.regions).toBe(2)
    const again = await faces.track(PHOTO, 'p', first?.roi as typeof START)
    expect(networks.regions).toBe(3)
    expect(again?.roi).toEqual(first?.roi)
  })

  it('ends the search of a region that never agrees', async () => {
    const { finder: faces, networks } = finder([])
    await faces.track(PHOTO, 'p', { ...START, side: 2000 })
    expect(networks.regions).toBe(4)
  })
})
