import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CallLine } from '../../../src/face/call-line.js'
import { FaceFinder } from '../../../src/face/find/face-finder.js'
import { PhotoNetworks } from '../../../src/face/find/photo-networks.js'
import { loadNetworkFiles, type NetworkFiles } from '../../../src/face/network-files.js'
import type { FaceFrame, FollowedFrame } from '../../../src/face/types.js'
import { EverybodyTracker } from '../../../src/face/video/everybody.js'
import { faceMeasures, meshMask } from '../../../src/face/video/face-figures.js'
import type { Rgba } from '../../../src/geometry/types.js'
import { Engine } from '../../../src/runtime/engine.js'
import { Gathering } from '../../../src/runtime/gathering.js'
import { clouds, collage, moved, plain, readPhoto, resized } from '../../e2e/pictures.js'

/** Who is followed when everybody is, on real networks. */

let engine: Engine
let files: NetworkFiles
let networks: PhotoNetworks
let finder: FaceFinder
/** Two people, 260 px high. */
let anna: Rgba
let ben: Rgba

beforeAll(async () => {
  engine = await Engine.open()
  files = await loadNetworkFiles()
  networks = new PhotoNetworks(engine, files, new Gathering())
  finder = new FaceFinder(networks, files.template)
  anna = await resized(await readPhoto('test/fixtures/photos/faker_female_019.jpg'), 260)
  ben = await resized(await readPhoto('test/fixtures/eval/real/talk-00.jpg'), 260)
})
afterAll(() => {
  networks.dispose()
  engine.dispose()
})

function newTracker(): EverybodyTracker {
  const line = new CallLine()
  return new EverybodyTracker({ finder, enqueue: (task) => line.enqueue(task) })
}

const wall = (...photos: { photo: Rgba; x: number; y: number }[]) => collage(clouds(800, 320, 40), photos)
const inTracks = ({ faces }: FollowedFrame) => faces.map(({ track }) => track)
const middle = ({ box }: FaceFrame) => box.x + box.width / 2

describe('everybody', () => {
  it('is followed: a track is one face, ends where it is lost, and is not taken up again', async () => {
    const tracker = newTracker()
    const both = await tracker.next(wall({ photo: anna, x: 30, y: 20 }, { photo: ben, x: 450, y: 20 }))
    expect(inTracks(both)).toEqual([0, 1])
    for (const { detectorScore } of both.faces) expect(detectorScore).toBeGreaterThan(0.5)
    const places = both.faces.map(({ frame }) => middle(frame))
    const later = await tracker.next(wall({ photo: anna, x: 36, y: 22 }, { photo: ben, x: 444, y: 20 }))
    expect(later).toMatchObject({ cut: false, ended: [] })
    expect(inTracks(later)).toEqual([0, 1])
    for (const [i, { frame, detectorScore }] of later.faces.entries()) {
      expect(Math.abs(middle(frame) - (places[i] as number))).toBeLessThan(12)
      expect(detectorScore).toBeNull()
    }
    const right = later.faces.findIndex(({ frame }) => middle(frame) > 400)
    // The picture changes so much that this may count as a cut, too: either way the track has ended.
    const gone = await tracker.next(wall({ photo: anna, x: 36, y: 22 }))
    expect(gone.faces).toHaveLength(1)
    expect(gone.ended).toContain(right)
    const back = await tracker.next(wall({ photo: anna, x: 36, y: 22 }, { photo: ben, x: 444, y: 20 }))
    expect(inTracks(back)).not.toContain(right)
  })

  it('has new tracks after a cut, and none where there is nobody', async () => {
    const tracker = newTracker()
    const talk = await readPhoto('test/fixtures/eval/real/talk-00.jpg')
    const other = await readPhoto('test/fixtures/photos/faker_female_069.jpg')
    expect(inTracks(await tracker.next(talk))).toEqual([0])
    expect(inTracks(await tracker.next(await readPhoto('test/fixtures/eval/real/talk-01.jpg')))).toEqual([0])
    const cut = await tracker.next(other)
    expect(cut).toMatchObject({ cut: true, ended: [0] })
    expect(inTracks(cut)).toEqual([1])
    const nobody = await tracker.next(clouds(300, 300, 20))
    expect(nobody).toMatchObject({ faces: [], ended: [1] })
    await expect(tracker.next('no such file.jpg')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect((await tracker.next(plain(300, 300, 90))).faces).toEqual([])
  })

  it('is measured: turned, blurred and cut off faces stand out', async () => {
    const measured = async (photo: Rgba) => {
      const [face] = (await newTracker().next(photo)).faces
      return faceMeasures(face?.frame as FaceFrame, files.ncc, files.template, files.triangles)
    }
    const talk = await readPhoto('test/fixtures/eval/real/talk-00.jpg')
    const plainly = await measured(talk)
    expect(plainly.sharpness).toBeGreaterThan(0.44)
    expect(plainly.outside).toBe(0)
    const [a, b] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)]
    const [x, y] = [talk.width / 2, talk.height / 2]
    const tilted = await measured(moved(talk, { a, b, tx: x - a * x + b * y, ty: y - b * x - a * y }))
    expect(Math.abs(tilted.pose.roll - plainly.pose.roll)).toBeGreaterThan(16)
    const small = await resized(talk, 110)
    const soft = await measured(await resized(small, talk.width))
    expect(soft.sharpness ?? 0).toBeLessThan(plainly.sharpness ?? 0)
  })
})

describe('the mask of a mesh', () => {
  it('has the pixels whose centres lie in a triangle, whichever way it turns', () => {
    const square = Float32Array.from([10, 10, 0, 20, 10, 0, 20, 20, 0, 10, 20, 0])
    for (const triangles of [
      [0, 1, 2, 0, 2, 3],
      [2, 1, 0, 0, 3, 2],
    ]) {
      const mask = meshMask(square, triangles)
      expect(mask.reduce((sum, value) => sum + value, 0)).toBe(100)
      expect([mask[10 * 224 + 10], mask[19 * 224 + 19], mask[20 * 224 + 15], mask[9 * 224 + 15]]).toEqual([
        1, 1, 0, 0,
      ])
    }
    // What lies outside the frame is cut off.
    expect(meshMask(Float32Array.from([-9, -9, 0, 300, -9, 0, -9, 300, 0]), [0, 1, 2])[0]).toBe(1)
  })
})
