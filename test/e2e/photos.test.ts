import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import {
  type CreateOptions,
  DeepFaceFlow,
  demoPhotos,
  describeNetwork,
  type ExpressiveFaceFlow,
  encodePng,
  type FaceFrame,
  type FlowOptions,
  interocularDistance,
  type PhotoInput,
  type Rgba,
  writeProducts,
} from '../../src/index.js'
import {
  clouds,
  collage,
  plain,
  readPhoto,
  repositoryPath,
  resized,
  turned,
  turnedPoint,
} from './pictures.js'

/** Photos as people have them, good and bad, with the networks and through the command line. */

let faceFlow: DeepFaceFlow
let face: Rgba
/** What is found in FACE, read as a file and as pixels. */
let found: { readonly file: FaceFrame; readonly pixels: FaceFrame }
let folder: string

const FORWARD = { backward: false } as const
const [PHOTO_A, PHOTO_B] = demoPhotos()
const FACE = repositoryPath('test/fixtures/photos/faker_male_000.jpg')

beforeAll(async () => {
  faceFlow = await DeepFaceFlow.create()
  face = await readPhoto('test/fixtures/photos/faker_male_000.jpg')
  found = { file: await largest(FACE), pixels: await largest(face) }
})
afterAll(() => faceFlow.dispose())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-photos-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function largest(photo: PhotoInput): Promise<FaceFrame> {
  const [found] = await faceFlow.detect(photo)
  if (found === undefined) throw new Error('no face')
  return found
}

/** Mean distance of 68 landmarks from wanted places, in interocular distances. */
function landmarkError(
  points: Float32Array,
  wanted: (x: number, y: number) => [number, number],
  of: FaceFrame,
) {
  let sum = 0
  for (let i = 0; i < 136; i += 2) {
    const [x, y] = wanted(of.landmarks68[i] as number, of.landmarks68[i + 1] as number)
    sum += Math.hypot((points[i] as number) - x, (points[i + 1] as number) - y)
  }
  return sum / 68 / interocularDistance(of.landmarks68)
}

const same = (x: number, y: number): [number, number] => [x, y]

describe('kinds of files', () => {
  it.each([
    ['CMYK JPEG', 0.01, (s: Sharp) => s.toColourspace('cmyk').jpeg({ quality: 95 })],
    ['16-bit PNG', 0.001, (s: Sharp) => s.toColourspace('rgb16').png()],
    ['grey PNG', 0.03, (s: Sharp) => s.greyscale().png()],
    ['PNG with alpha', 0.001, (s: Sharp) => s.ensureAlpha(1).png()],
    ['WebP', 0.01, (s: Sharp) => s.webp({ quality: 95 })],
    ['AVIF', 0.01, (s: Sharp) => s.avif({ quality: 80, effort: 0 })],
    ['TIFF', 0.001, (s: Sharp) => s.tiff({ compression: 'lzw' })],
    ['GIF', 0.03, (s: Sharp) => s.gif({ effort: 1 })],
  ] as const)('%s: the same face, within %f of the interocular distance', async (_name, limit, convert) => {
    const bytes = await convert(sharp(FACE)).toBuffer()
    const { landmarks68 } = await largest(new Uint8Array(bytes))
    expect(landmarkError(landmarks68, same, found.file)).toBeLessThan(limit)
  })

  it('a photo whose EXIF says that it lies on its side', async () => {
    const lying = turned(face, 3)
    const bytes = await sharp(lying.data, { raw: { width: lying.width, height: lying.height, channels: 4 } })
      .removeAlpha()
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer()
    const { landmarks68 } = await largest(new Uint8Array(bytes))
    expect(landmarkError(landmarks68, same, found.pixels)).toBeLessThan(0.001)
  })
})

describe('places and sizes of faces', () => {
  it.each([1, 2, 3] as const)('turned by %i quarters, without EXIF', async (quarters) => {
    const { landmarks68, registrationResidual } = await largest(turned(face, quarters))
    const wanted = (x: number, y: number) => turnedPoint(face, quarters, x, y)
    expect(landmarkError(landmarks68, wanted, found.pixels)).toBeLessThan(0.001)
    expect(registrationResidual).toBeCloseTo(found.pixels.registrationResidual, 2)
  })

  it.each([35, 120, 240] as const)('turned by %i degrees, without EXIF', async (degrees) => {
    const { data, info } = await sharp(FACE)
      .rotate(degrees, { background: '#808080' })
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const rotated = { width: info.width, height: info.height, data: new Uint8Array(data) }
    const { landmarks68 } = await largest(rotated)
    const angle = (degrees * Math.PI) / 180
    const wanted = (x: number, y: number): [number, number] => {
      const [dx, dy] = [x - face.width / 2, y - face.height / 2]
      return [
        info.width / 2 + Math.cos(angle) * dx - Math.sin(angle) * dy,
        info.height / 2 + Math.sin(angle) * dx + Math.cos(angle) * dy,
      ]
    }
    expect(landmarkError(landmarks68, wanted, found.pixels)).toBeLessThan(0.03)
  })

  it('a face that was taken for another one when it lay on its side', async () => {
    // Here the detector sees a face in the lying photo, with its eyes at wrong places, and the landmark network agrees.
    const photo = await readPhoto('test/fixtures/photos/faker_female_069.jpg')
    const upright = await largest(photo)
    for (const quarters of [1, 2, 3] as const) {
      const { landmarks68 } = await largest(turned(photo, quarters))
      const wanted = (x: number, y: number) => turnedPoint(photo, quarters, x, y)
      expect(landmarkError(landmarks68, wanted, upright)).toBeLessThan(0.001)
    }
  })

  it('a small face in a large photo', async () => {
    const small = await resized(face, 100)
    const photo = collage(plain(1000, 800, 120), [{ photo: small, x: 700, y: 500 }])
    const { landmarks68 } = await largest(photo)
    const scale = 100 / face.width
    const wanted = (x: number, y: number): [number, number] => [700 + x * scale, 500 + y * scale]
    // A hundredth of the interocular distance is a fifth of a pixel here.
    expect(landmarkError(landmarks68, wanted, found.pixels) / scale).toBeLessThan(0.06)
  })

  it('several faces: the largest, or the one asked for; B matched by place; said in a warning', async () => {
    const others = await Promise.all(
      ['faker_female_019', 'faker_female_094'].map((n) => readPhoto(`test/fixtures/photos/${n}.jpg`)),
    )
    const [left, right] = (await Promise.all(others.map((photo) => resized(photo, 380)))) as [Rgba, Rgba]
    const middle = await resized(face, 450)
    const group = collage(plain(1210, 470, 120), [
      { photo: left, x: 0, y: 40 },
      { photo: middle, x: 380, y: 10 },
      { photo: right, x: 830, y: 40 },
    ])
    const faces = await faceFlow.detect(group)
    expect(faces).toHaveLength(3)
    const centre = ({ box }: FaceFrame) => box.x + box.width / 2
    expect(centre(faces[0] as FaceFrame)).toBeGreaterThan(380)
    expect(centre(faces[0] as FaceFrame)).toBeLessThan(830)

    const byDefault = await faceFlow.flow(group, group, FORWARD)
    expect(centre(byDefault.a)).toBeCloseTo(centre(faces[0] as FaceFrame), 3)
    expect(byDefault.warnings).toEqual([
      expect.stringMatching(
        /^photo A: 3 faces found, the largest taken \(\d+x\d+ px, its middle at \(\d+, \d+\)\)/,
      ),
      expect.stringMatching(/^photo B: 3 faces found, the largest taken/),
    ])

    // In B the same people, shifted: the face nearest to where A's was.
    const shifted = collage(plain(1210, 470, 120), [{ photo: group, x: 30, y: -5 }])
    const chosen = await faceFlow.flow(group, shifted, { ...FORWARD, face: { at: [1000, 200] } })
    expect(centre(chosen.a)).toBeGreaterThan(830)
    expect(centre(chosen.b) - centre(chosen.a)).toBeGreaterThan(20)
    expect(centre(chosen.b) - centre(chosen.a)).toBeLessThan(40)

    await expect(faceFlow.flow(group, group, { face: { index: 3 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^photo A: it shows 3 face/),
    })
  })

  it('two people who change places: the same person in B, or the one asked for; everybody', async () => {
    const [left, right] = (await Promise.all(
      ['faker_female_019', 'faker_male_063'].map(async (name) =>
        resized(await readPhoto(`test/fixtures/photos/${name}.jpg`), 300),
      ),
    )) as [Rgba, Rgba]
    const canvas = plain(640, 320, 120)
    const a = collage(canvas, [
      { photo: left, x: 10, y: 10 },
      { photo: right, x: 330, y: 10 },
    ])
    const b = collage(canvas, [
      { photo: right, x: 5, y: 5 },
      { photo: left, x: 335, y: 15 },
    ])
    const middle = ({ box }: FaceFrame) => box.x + box.width / 2
    const of = async (options: FlowOptions) => await faceFlow.flow(a, b, { ...FORWARD, ...options })
    const swapped = await of({ face: { at: [160, 170] } })
    expect([middle(swapped.a) < 320, middle(swapped.b) > 320]).toEqual([true, true])
    expect(swapped.photometric.after).toBeLessThan(6)
    expect(swapped.warnings).toHaveLength(2)

    const asked = await of({ face: { at: [160, 170] }, faceB: { at: [160, 160] } })
    expect([middle(asked.a) < 320, middle(asked.b) < 320]).toEqual([true, true])
    await expect(of({ faceB: { at: [320, 310] } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(
        /^photo B: there is no face at \(320, 310\); the nearest of 2 is \d+ px away/,
      ),
    })

    // The other one alone is not taken silently.
    const alone = await faceFlow.flow(a, right, { ...FORWARD, face: { at: [160, 170] } })
    expect(alone.warnings).toContainEqual(
      expect.stringMatching(
        /^photo B: the face taken may be of another person: it looks more like another face of A \(/,
      ),
    )

    const { people, onlyA, onlyB } = await faceFlow.flowAll(a, b, FORWARD)
    expect(people).toHaveLength(2)
    for (const person of people) {
      expect(middle(person.a) < 320).toBe(middle(person.b) > 320)
      expect(person.photometric.after).toBeLessThan(6)
      expect(person.warnings).toEqual([])
    }
    expect([onlyA, onlyB]).toEqual([[], []])
    const some = await faceFlow.flowAll(a, right, FORWARD)
    expect(some.people.map((person) => middle(person.a) > 320)).toEqual([true])
    expect(some.onlyA.map((frame) => middle(frame) < 320)).toEqual([true])
  })

  it('a small face beside a large one, when it is asked for', async () => {
    const child = await resized(await readPhoto('test/fixtures/photos/faker_female_094.jpg'), 130)
    const photo = collage(plain(1000, 600, 120), [
      { photo: face, x: 60, y: 40 },
      { photo: child, x: 800, y: 220 },
    ])
    expect(await faceFlow.detect(photo)).toHaveLength(1)
    const { a, b, warnings } = await faceFlow.flow(photo, photo, { ...FORWARD, face: { at: [865, 285] } })
    for (const { box } of [a, b]) {
      expect(box.width).toBeLessThan(90)
      expect(box.x).toBeGreaterThan(800)
    }
    expect(warnings[0]).toMatch(/^photo A: 2 faces found, the second largest taken/)
  })
})

describe('bad input through the command line', () => {
  /** The command line on the shared instance; commands open and dispose it as if it were theirs. */
  async function run(...args: string[]) {
    const text = { out: '', err: '' }
    const shared: ExpressiveFaceFlow = {
      adapter: faceFlow.adapter,
      selection: faceFlow.selection,
      weights: faceFlow.weights,
      detect: (photo) => faceFlow.detect(photo),
      flow: (a, b, options) => faceFlow.flow(a, b, options),
      flowAll: (a, b, options) => faceFlow.flowAll(a, b, options),
      flowRegistered: (a, b, options) => faceFlow.flowRegistered(a, b, options),
      video: (options) => faceFlow.video(options),
      everybody: (options) => faceFlow.everybody(options),
      measure: (face) => faceFlow.measure(face),
      animate: (photo, options) => faceFlow.animate(photo, options),
      expression: (photo, options) => faceFlow.expression(photo, options),
      expressions: (options) => faceFlow.expressions(options),
      rig: (expression) => faceFlow.rig(expression),
      dispose: () => undefined,
    }
    const code = await runCli(
      args,
      {
        stdout: (part) => {
          text.out += part
        },
        stderr: (part) => {
          text.err += part
        },
        interactive: false,
        isSoftware: async () => true,
        processors: 1,
        desk: null,
        interrupted: new AbortController().signal,
        watchesInterrupts: () => undefined,
        // Start-up that must fail is done in earnest.
        open: async (options: CreateOptions) =>
          options.weights === undefined && options.adapter === undefined
            ? shared
            : DeepFaceFlow.create(options),
        describeNetwork: ({ weights, depth, extent }) => describeNetwork(weights, depth, extent),
      },
      false,
    )
    return { code, ...text }
  }

  /** One line, no stack, nothing on stdout, no output folder. */
  async function refuses(
    args: string[],
    code: number,
    message: RegExp,
    left: readonly string[] = [],
  ): Promise<void> {
    const before = await readdir(folder)
    const result = await run(...args, '-o', join(folder, 'out'))
    expect(result.err).toMatch(message)
    expect(result.err).toMatch(/^deepfaceflow: [^\n]+\n$/)
    expect(result).toMatchObject({ code, out: '' })
    expect((await readdir(folder)).filter((name) => !before.includes(name))).toEqual(left)
  }

  const file = async (name: string, photo: Rgba) => {
    const path = join(folder, name)
    await writeFile(path, await encodePng(photo))
    return path
  }

  it('no face: says what was tried', async () => {
    const empty = await file('empty.png', clouds(320, 240, 25))
    await refuses(
      ['flow', PHOTO_A, empty],
      EXIT.noFace,
      /empty\.png: no face found \(tried the whole photo, turned by 90, 180 and 270 degrees, tiles of half its size\); use a photo/,
    )
  })

  it('a face below 32 px: says how large it is', async () => {
    const small = collage(plain(200, 160, 120), [{ photo: await resized(face, 60), x: 70, y: 50 }])
    await refuses(
      ['flow', await file('small.png', small), PHOTO_B],
      EXIT.noFace,
      /small\.png: the largest face is (2\d|3[01]) px wide, at least 32 px are needed; use a larger or closer photo/,
    )
  })

  it('a face half out of the photo: says by how much', async () => {
    const photo = await readPhoto('demo/franck_01829.jpg')
    const half = collage(plain(324, 576, 0), [{ photo, x: -396, y: 0 }])
    await refuses(
      ['flow', await file('half.png', half), PHOTO_B],
      EXIT.input,
      /half\.png: \d+ % of the face lies outside the photo, at most 35 % may; use a photo that shows the whole face/,
    )
  })

  it('a face number that is not there', async () => {
    // Too small for tiles, so that the search for a second face is short.
    const one = await file('one.png', await resized(face, 250))
    await refuses(['flow', one, PHOTO_B, '--face', '2'], EXIT.usage, /one\.png: it shows 1 face/)
  })

  it('photos where registered frames are wanted', async () => {
    await refuses(
      ['flow', PHOTO_A, PHOTO_B, '--registered'],
      EXIT.input,
      /a registered frame is 224x224 px, this is 720x576/,
    )
  })

  it('damaged weights', async () => {
    const good = await readFile(repositoryPath('weights/dffnet-m.safetensors'))
    const weights = async (name: string, bytes: Uint8Array | string) => {
      await writeFile(join(folder, name), bytes)
      return ['flow', PHOTO_A, PHOTO_B, '--weights', join(folder, name)]
    }
    const damaged = Uint8Array.from(good)
    damaged.fill(0xff, good.length - 64)
    const cases: [string, Uint8Array | string, RegExp][] = [
      ['cut.safetensors', good.subarray(0, good.length >> 1), /cut\.safetensors/],
      ['nan.safetensors', damaged, /nan\.safetensors/],
      ['text.safetensors', 'not weights at all', /text\.safetensors/],
    ]
    for (const [name, bytes, message] of cases) {
      await refuses(await weights(name, bytes), EXIT.installation, message)
    }
    await refuses(
      ['flow', PHOTO_A, PHOTO_B, '--weights', repositoryPath('weights/face-detector.safetensors')],
      EXIT.installation,
      /face-detector.* is no DFFNet weight file/,
    )
    await refuses(
      ['flow', PHOTO_A, PHOTO_B, '--weights', join(folder, 'none.safetensors')],
      EXIT.installation,
      /none\.safetensors/,
    )
  })

  it('an adapter that is not there: lists what is', async () => {
    await refuses(['flow', PHOTO_A, PHOTO_B, '--adapter', 'voodoo2'], EXIT.device, /voodoo2/)
  })

  it('an output folder below a file', async () => {
    await writeFile(join(folder, 'out'), 'mine')
    const { code, err } = await run('flow', PHOTO_A, PHOTO_B, '--no-backward', '-o', join(folder, 'out', 'x'))
    expect(err).toMatch(/^deepfaceflow: [^\n]*out\/x: something else is in the way \(ENOTDIR\);[^\n]*\n$/)
    expect(code).toBe(EXIT.output)
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('mine')
  })

  it('a disk that fills up: whole files or none, and no result.json', async () => {
    const result = await faceFlow.flow(PHOTO_A, PHOTO_B, FORWARD)
    let left = 700_000
    // What an earlier run left must not pass for a complete result of this one.
    const written = new Map<string, Uint8Array>([[join(folder, 'result.json'), new Uint8Array()]])
    const fs = {
      write: async (path: string, data: Uint8Array) => {
        written.set(path, data.subarray(0, left))
        left -= data.length
        if (left < 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      },
      rename: async (from: string, to: string) => {
        written.set(to, written.get(from) as Uint8Array)
        written.delete(from)
      },
      remove: async (path: string) => {
        written.delete(path)
      },
      mkdir: async () => [],
    }
    await expect(writeProducts(result, folder, { fs })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: expect.stringMatching(/flow\.flo: the disk is full \(ENOSPC\); free some space/),
    })
    // The record of what is whole and ours, for the run that goes on.
    const record = join(folder, '.deepfaceflow-unfinished.json')
    expect([...written.keys()].sort()).toEqual([record, join(folder, 'flow.npy')])
    expect(Buffer.from(written.get(record) as Uint8Array).toString()).toContain('flow.npy')
  })

  it('a pair that works, here of two people: picture and numbers', async () => {
    const { code, out, err } = await run('flow', FACE, PHOTO_B, '-o', join(folder, 'out'), '--no-backward')
    expect(code).toBe(EXIT.ok)
    expect(err).toMatch(
      /^note: The two faces look unlike \(\d\.\d\d, of one person below 0\.12\): two people, or .*\n$/,
    )
    expect(out).toMatch(/^\d+ files in .*; look at .*overview\.png\n/)
    expect(out).toMatch(/weights +dffnet/)
    const names = await readdir(join(folder, 'out'))
    expect(names).toEqual(expect.arrayContaining(['flow.npy', 'motion.glb', 'overview.png', 'result.json']))
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
