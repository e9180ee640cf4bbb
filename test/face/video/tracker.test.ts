import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CallLine, Pending } from '../../../src/face/call-line.js'
import type { Candidate } from '../../../src/face/find/candidate.js'
import { FaceFinder } from '../../../src/face/find/face-finder.js'
import { PhotoNetworks } from '../../../src/face/find/photo-networks.js'
import { isAlike, type Look, lookOf, similarity } from '../../../src/face/look/look.js'
import { loadNetworkFiles } from '../../../src/face/network-files.js'
import type { FaceFrame, FlowResult, TrackerMemory } from '../../../src/face/types.js'
import { isCut, thumbnail } from '../../../src/face/video/scene.js'
import { FaceVideoTracker, type TrackerHost } from '../../../src/face/video/tracker.js'
import { applySimilarity } from '../../../src/geometry/similarity.js'
import type { Rgba } from '../../../src/geometry/types.js'
import { sha256Now } from '../../../src/platform/node/hash.js'
import { Engine } from '../../../src/runtime/engine.js'
import { Gathering } from '../../../src/runtime/gathering.js'
import { clouds, collage, moved, plain, readPhoto, resized } from '../../e2e/pictures.js'
import { ellipsoidMesh } from '../../support/synthetic.js'
import { ellipsoidOutputs } from '../../support/synthetic-pair.js'

/** Which face is followed, on real networks; the flow itself is left out. */

let engine: Engine
let finder: FaceFinder
let networks: PhotoNetworks
/** Pairs of frames between which flow was asked for. */
let pairs: [FaceFrame, FaceFrame][]

beforeAll(async () => {
  engine = await Engine.open()
  const files = await loadNetworkFiles()
  networks = new PhotoNetworks(engine, files, new Gathering())
  finder = new FaceFinder(networks, files.template)
})
afterAll(() => {
  networks.dispose()
  engine.dispose()
})
beforeEach(() => {
  pairs = []
})

function newTracker(smooth = true): FaceVideoTracker {
  const line = new CallLine()
  const host: TrackerHost = {
    finder,
    flows: 'both',
    smooth,
    triangles: ellipsoidMesh().triangles,
    onward: (rows) => rows,
    enqueue: (task) => line.enqueue(task),
    flowsTo: async (froms, b) => {
      const computed = froms.map((a) => {
        pairs.push([a, b])
        // A motion that tells pairs apart.
        const outputs = ellipsoidOutputs(() => [(b.box.x - a.box.x) / 50, (b.box.y - a.box.y) / 50, 0.1])
        return { outputs, derive: async () => ({}) as FlowResult }
      })
      return new Pending(Promise.resolve(computed))
    },
    holdsChoice: (found) => found.length > 0,
    choose: (faces) => faces[0] as Candidate,
  }
  return new FaceVideoTracker(host)
}

const talk = (n: number) => readPhoto(`test/fixtures/eval/real/talk-0${n}.jpg`)
const photo = (name: string) => readPhoto(`test/fixtures/photos/${name}.jpg`)
const onWall = (...photos: { photo: Rgba; x: number; y: number }[]) => collage(clouds(1200, 500, 40), photos)

/** Digest of all that flow is computed from. */
function bitsOf(frame: FaceFrame | undefined): string {
  if (frame === undefined) return 'none'
  const { landmarks468: mesh, irises, registered, toTemplate } = frame
  const bytes = [mesh, irises].map((a) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
  return sha256Now([...bytes, registered.data, JSON.stringify(toTemplate)])
}

/** @returns status and cut of a frame */
async function follow(tracker: FaceVideoTracker, frame: Rgba): Promise<[string, boolean]> {
  try {
    const { status, cut } = await tracker.next(frame)
    return [status, cut]
  } catch (error) {
    const { code, details } = error as { code: string; details: { cut: boolean } }
    expect(code).toBe('NO_FACE')
    return ['lost', details.cut]
  }
}

const centre = ({ box }: FaceFrame) => [box.x + box.width / 2, box.y + box.height / 2]

describe('the tracker', () => {
  it('sees no motion in a still picture: reference and later frames are registered the same way', async () => {
    const tracker = newTracker()
    const still = await readPhoto('demo/franck_01829.jpg')
    const reference = await tracker.start(still)
    for (let i = 0; i < 2; i++) {
      await tracker.next({ ...still, data: Uint8Array.from(still.data) })
      const [, frame] = pairs.at(-1) ?? []
      expect(bitsOf(frame)).toBe(bitsOf(reference))
    }
  })

  it('follows a moving face through one shot', async () => {
    const tracker = newTracker()
    await tracker.start(await talk(0))
    for (let n = 1; n < 4; n++) expect(await follow(tracker, await talk(n))).toEqual(['ok', false])
  })

  it('follows a face with a patterned scarf before the mouth, and nobody else afterwards', async () => {
    const tracker = newTracker()
    // Where the face fills the picture the scarf would pass for a cut.
    const seen = async (n: number) => onWall({ photo: await talk(n), x: 300, y: 20 })
    await tracker.start(await seen(0))
    const { box } = await tracker.next(await seen(1)).then(() => pairs.at(-1)?.[1] as FaceFrame)
    const free = await seen(2)
    const data = Uint8Array.from(free.data)
    const [left, right] = [box.x + 0.15 * box.width, box.x + 0.85 * box.width]
    const [top, bottom] = [box.y + 0.64 * box.height, box.y + 1.0 * box.height]
    for (let i = 0; i < free.width * free.height; i++) {
      const [x, y] = [i % free.width, Math.floor(i / free.width)]
      const light = 1 + 0.4 * Math.sin((40 * x) / box.width) * Math.sin((40 * y) / box.width)
      if (x > left && x < right && y > top && y < bottom)
        data.set([140 * light, 100 * light, 90 * light], 4 * i)
    }
    for (const frame of [{ ...free, data }, { ...free, data }, free]) {
      expect(await follow(tracker, frame)).toEqual(['ok', false])
    }
    expect(await follow(tracker, await photo('faker_male_000'))).toEqual(['lost', true])
  })

  it('registers a talking face with less than half of the tremble of its landmarks, unless it is told not to', async () => {
    const tremble = async (smooth: boolean): Promise<number> => {
      pairs = []
      const tracker = newTracker(smooth)
      const clip = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          readPhoto(`test/fixtures/eval/talking/f0${String(i + 1).padStart(2, '0')}.jpg`),
        ),
      )
      const { box } = await tracker.start(clip[0] as Rgba)
      for (const frame of clip.slice(1)) await follow(tracker, frame)
      // Where each frame's registration puts one place of the picture.
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
      const frames = [...new Set(pairs.map(([, to]) => to))]
      const path = frames.map(({ toTemplate }) => applySimilarity(toTemplate, x, y))
      expect(path.length).toBe(11)
      return path.slice(2).reduce((sum, next, t) => {
        const [before, now] = [path[t] as [number, number], path[t + 1] as [number, number]]
        return sum + Math.hypot(next[0] - 2 * now[0] + before[0], next[1] - 2 * now[1] + before[1])
      }, 0)
    }
    expect(await tremble(true)).toBeLessThan(0.5 * (await tremble(false)))
  })

  it('goes on from memories of JSON with the same bits', async () => {
    const through = newTracker()
    const memories: (TrackerMemory | null)[] = []
    const other = await photo('faker_female_019')
    const frames = [await talk(0), await talk(1), other, await talk(2), await talk(3)]
    await through.start(frames[0] as Rgba)
    memories.push(through.memory)
    const statuses: unknown[] = []
    for (const frame of frames.slice(1)) {
      statuses.push(await follow(through, frame))
      memories.push(through.memory)
    }
    expect(statuses).toEqual([
      ['ok', false],
      ['lost', true],
      ['regained', true],
      ['ok', false],
    ])
    const whole = pairs
    // Stopped after each frame, also after the one where the face was lost.
    for (const stop of [1, 2]) {
      pairs = []
      const resumed = newTracker()
      const all = JSON.parse(JSON.stringify(memories.slice(0, stop + 1))) as TrackerMemory[]
      // What a log need not hold in memory may be left out.
      const known = all.filter(({ face }, i) => face?.look !== undefined || [1, stop].includes(i))
      await resumed.resume(known, frames[0] as Rgba, frames[1] as Rgba)
      const rest: unknown[] = []
      for (const frame of frames.slice(stop + 1)) rest.push(await follow(resumed, frame))
      expect(rest).toEqual(statuses.slice(stop))
      // What smoothing goes on from is there too.
      expect(resumed.memory?.face?.vertices).toMatch(/^[\w+/=]{7000,}$/)
      expect(resumed.memory).toEqual(through.memory)
      const again = whole.slice(whole.length - pairs.length)
      expect(pairs.length).toBe(4)
      pairs.forEach((pair, i) => {
        pair.forEach((frame, side) => {
          const expected = again[i]?.[side]
          expect(bitsOf(frame)).toBe(bitsOf(expected))
        })
      })
    }
  })

  it('refuses memories that are damaged', async () => {
    const tracker = newTracker()
    const frame = plain(64, 64, 100)
    const broken = { picture: 'AAAA', face: {} } as unknown as TrackerMemory
    await expect(tracker.resume([broken], frame, frame)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(tracker.resume([], frame, frame)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await tracker.start(await photo('faker_male_000'))
    const good = JSON.parse(JSON.stringify(tracker.memory)) as Required<TrackerMemory>
    const wrong = [
      { toTemplate: { a: 1, b: 0, tx: 0 } },
      { vertices: 'AAAA' },
      { registration: { ...good.face.registration, speed: [0, 0, 0] } },
    ]
    for (const change of wrong) {
      const memory = { ...good, face: { ...good.face, ...change } } as unknown as TrackerMemory
      await expect(tracker.resume([memory], frame, frame), JSON.stringify(change)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
  })

  it('does not take another person after a cut, and takes the same one again', async () => {
    const tracker = newTracker()
    await tracker.start(await photo('faker_male_000'))
    expect(await follow(tracker, await photo('faker_male_063'))).toEqual(['lost', true])
    expect(await follow(tracker, await photo('faker_female_019'))).toEqual(['lost', true])
    expect(await follow(tracker, plain(512, 512, 90))).toEqual(['lost', true])
    const again = moved(await photo('faker_male_000'), { a: 0.8, b: 0.02, tx: 60, ty: 20 })
    expect(await follow(tracker, again)).toEqual(['regained', true])
    expect(pairs).toHaveLength(1)
  })

  it('does not take the nearest face when its own has gone, and finds it elsewhere', async () => {
    const [own, other] = [
      await resized(await photo('faker_female_069'), 400),
      await resized(await photo('faker_female_094'), 200),
    ]
    const tracker = newTracker()
    const reference = await tracker.start(
      onWall({ photo: own, x: 20, y: 40 }, { photo: other, x: 950, y: 100 }),
    )
    const alone = onWall({ photo: other, x: 950, y: 100 })
    expect((await follow(tracker, alone))[0]).toBe('lost')
    expect((await follow(tracker, alone))[0]).toBe('lost')
    // Smaller, and on the other side of the other person.
    const small = await resized(own, 300)
    const back = onWall({ photo: small, x: 550, y: 90 }, { photo: other, x: 950, y: 100 })
    expect((await follow(tracker, back))[0]).toBe('regained')
    const [from, to] = pairs.at(-1) ?? []
    expect(from?.landmarks468).toEqual(reference.landmarks468)
    expect(centre(to as FaceFrame)[0]).toBeCloseTo(550 + 0.75 * ((centre(reference)[0] ?? 0) - 20), -1)
  })

  it('is not moved over when another face takes the place of its own within one shot', async () => {
    const [own, other] = [await photo('faker_female_069'), await photo('faker_female_081')]
    const tracker = newTracker()
    const at = (face: Rgba) => ({ photo: face, x: 100, y: 60 })
    const small = async (face: Rgba) => resized(face, 150)
    await tracker.start(onWall(at(await small(own))))
    expect(await follow(tracker, onWall(at(await small(own))))).toEqual(['ok', false])
    expect((await follow(tracker, onWall(at(await small(other)))))[0]).toBe('lost')
    expect(pairs).toHaveLength(1)
  })

  it('is not led over to another person by a dissolve', async () => {
    const [own, other] = [await photo('faker_male_000'), await photo('faker_male_063')]
    const blend = (share: number): Rgba => ({
      ...own,
      data: own.data.map((v, i) => v + share * ((other.data[i] as number) - v)),
    })
    const tracker = newTracker()
    await tracker.start(own)
    for (const share of [0.15, 0.3, 0.45, 0.6, 0.75, 0.9]) await follow(tracker, blend(share))
    expect((await follow(tracker, other))[0]).toBe('lost')
    expect((await follow(tracker, other))[0]).toBe('lost')
    expect((await follow(tracker, own))[0]).toBe('regained')
  })

  it('knows one person in pictures of one recording that lie far apart', async () => {
    const tracker = newTracker()
    await tracker.start(await readPhoto('demo/franck_01829.jpg'))
    expect(await follow(tracker, await readPhoto('demo/franck_02221.jpg'))).toEqual(['ok', true])
    expect(await follow(tracker, await readPhoto('demo/franck_04117.jpg'))).toEqual(['ok', true])
  })
})

describe('appearance', () => {
  it('tells the people of the fixtures apart, and knows one in other frames', async () => {
    const names = [
      ...['faker_female_019', 'faker_female_069', 'faker_female_081', 'faker_female_094'],
      ...['faker_male_000', 'faker_male_063', 'franck_02045'],
    ]
    const looks = []
    for (const name of names) {
      const image = await photo(name)
      const [detection] = await finder.detect(image, name)
      looks.push(lookOf((await finder.frame(image, name, detection as Candidate)).frame))
    }
    for (const [i, a] of looks.entries()) {
      for (const b of looks.slice(i + 1)) {
        expect(similarity(a, b)).toBeLessThan(0.45)
        expect(isAlike(a, b)).toBe(false)
      }
    }
    const franck = []
    for (const name of ['talk-00', 'talk-03', 'talk-06', 'turn-00', 'turn-06']) {
      const image = await readPhoto(`test/fixtures/eval/real/${name}.jpg`)
      const [detection] = await finder.detect(image, name)
      franck.push(lookOf((await finder.frame(image, name, detection as Candidate)).frame))
    }
    const [first, ...others] = franck
    for (const other of others.slice(0, 2)) {
      expect(similarity(first as Look, other)).toBeGreaterThan(0.68)
    }
    for (const other of others) {
      expect(similarity(first as Look, other)).toBeGreaterThan(0.45)
    }
  })

  it('takes a change of exposure and a small pan for no cut, another picture for one', async () => {
    const image = await readPhoto('demo/franck_01829.jpg')
    const darker = { ...image, data: image.data.map((v, i) => (i % 4 === 3 ? v : 0.6 * v + 10)) }
    expect(isCut(thumbnail(image), thumbnail(darker))).toBe(false)
    expect(isCut(thumbnail(image), thumbnail(moved(image, { a: 1, b: 0, tx: 6, ty: 2 })))).toBe(false)
    expect(isCut(thumbnail(image), thumbnail(await photo('faker_male_000')))).toBe(true)
    expect(isCut(thumbnail(plain(64, 48, 9)), thumbnail(plain(64, 48, 9)))).toBe(false)
    expect(isCut(thumbnail(plain(64, 48, 9)), thumbnail(image))).toBe(true)
  })
})
