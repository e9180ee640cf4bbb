import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seenFrames } from '../../src/face/seen-frames.js'
import {
  type CoefficientName,
  DeepFaceFlow,
  type Expression,
  type ExpressionMemory,
  encodeExpressionGlb,
  type FaceFrame,
  type Rgba,
} from '../../src/index.js'

/** Rendered heads with known coefficients (test/fixtures/eval/README.md). */
const photo = (name: string) => `test/fixtures/eval/coefficients/${name}.jpg`
/** Of nobody rendered. */
const OTHER = 'test/fixtures/photos/faker_male_000.jpg'
const PROFILE = 'test/fixtures/warnings/profile.jpg'
const blank: Rgba = { width: 224, height: 224, data: new Uint8Array(224 * 224 * 4).fill(128) }

let faceFlow: DeepFaceFlow
beforeAll(async () => {
  faceFlow = await DeepFaceFlow.create()
})
afterAll(() => faceFlow.dispose())

const read = async (name: string, names: readonly string[], options = {}) => {
  const { coefficients } = await faceFlow.expression(photo(name), options)
  const values = coefficients as Readonly<Record<string, { value: number | null; confidence: number }>>
  return names.map((coefficient) => values[coefficient]?.value ?? 0)
}

describe('expression', () => {
  it('tells an open mouth from a shut one, and shut eyes from open ones', async () => {
    const names = ['jawOpen', 'eyeBlinkRight', 'eyeBlinkLeft']
    const [jaw = 0, ...open] = await read('10-6', names)
    const [shutJaw = 1, ...shut] = await read('10-2', names)
    expect(jaw - shutJaw).toBeGreaterThan(0.4)
    expect(Math.max(...open)).toBeLessThan(0.25)
    expect(Math.min(...shut)).toBeGreaterThan(0.6)
  })

  it('tells how the head is held and where it is', async () => {
    const { pose, unseen, coefficients } = await faceFlow.expression(photo('03-3'), { fieldOfView: 65 })
    expect(Math.abs(pose.angles.yaw - 12.7)).toBeLessThan(4)
    expect(Math.abs(pose.angles.pitch + 5.7)).toBeLessThan(4)
    expect(Math.abs(pose.angles.roll + 7.6)).toBeLessThan(3)
    expect(Math.hypot(pose.place[0], pose.place[1])).toBeLessThan(0.4)
    // 224 px at 65 degrees are 176 px of focal length, the face is some 130 px wide.
    expect(pose.place[2]).toBeGreaterThan(1)
    expect(pose.place[2]).toBeLessThan(2)
    expect(pose.metres?.[2]).toBeCloseTo(0.14 * (pose.place[2] as number), 6)
    expect(unseen).toContain('tongueOut')
    for (const name of unseen) expect(coefficients[name]).toEqual({ value: null, confidence: 0 })
  })

  it('is told against a photo of the person at rest, which itself then does nothing', async () => {
    const own = await faceFlow.expression(photo('10-0'), { neutral: photo('10-0') })
    expect(own.isRelative).toBe(true)
    const values = Object.entries(own.coefficients).map(([name, { value }]) =>
      name.startsWith('eyeLook') ? 0 : (value ?? 0),
    )
    expect(Math.max(...values)).toBeLessThan(1e-6)
    expect((await faceFlow.expression(photo('10-0'))).isRelative).toBe(false)
  })

  it('takes a face that was found, without looking for it again', async () => {
    const [face] = (await faceFlow.detect(photo('10-6'))) as [FaceFrame]
    const rest = (await faceFlow.detect(photo('10-0')))[0] as FaceFrame
    const again = await faceFlow.expression(face, { neutral: rest })
    const before = await faceFlow.expression(photo('10-6'), { neutral: photo('10-0') })
    expect(again.coefficients).toEqual(before.coefficients)
    expect(again.pose).toEqual(before.pose)
    // As it is when the call is made.
    const late = faceFlow.expression(face, { neutral: rest })
    face.registered.data.fill(0)
    face.landmarks468.fill(0)
    expect((await late).coefficients).toEqual(before.coefficients)
    await expect(faceFlow.expression(rest, { face: { index: 0 } })).rejects.toThrow('face: is for photos')
    const short = { ...rest, landmarks468: rest.landmarks468.slice(3) }
    await expect(faceFlow.expression(short)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(faceFlow.expression(photo('10-6'), { neutral: short })).rejects.toThrow('468 landmarks')
  })

  it('warns with its figure where the one at rest looks like somebody else, and names which photo is unfit', async () => {
    const another = await faceFlow.expression(OTHER, { neutral: photo('10-0') })
    expect(another.warnings.join()).toMatch(
      /faker_male_000.jpg: the face looks unlike the one at rest in .*10-0.jpg \(\d\.\d\d, of one person below 0.12\)/,
    )
    const same = await faceFlow.expression(photo('10-6'), { neutral: photo('10-0') })
    expect(same.warnings).toEqual([])
    await expect(faceFlow.expression(photo('10-0'), { neutral: PROFILE })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    await expect(faceFlow.expression(photo('10-0'), { neutral: blank })).rejects.toThrow(
      /^the neutral photo: no face found/,
    )
  })

  it('does nothing once it is disposed, and says so', async () => {
    const own = await DeepFaceFlow.create()
    const stream = await own.expressions()
    const { face } = await own.expression(photo('10-0'))
    const under = stream.next(face, 0)
    own.dispose()
    const said = { code: 'DISPOSED', message: 'this DeepFaceFlow was disposed; create() a new one' }
    await expect(under).rejects.toMatchObject(said)
    for (const call of [() => stream.next(face, 1), () => own.expression(face), () => own.expressions()]) {
      await expect(call()).rejects.toMatchObject(said)
    }
  })

  it('makes a mesh of what was read, and of nothing else', async () => {
    const read = await faceFlow.expression(photo('10-6'))
    const rig = await faceFlow.rig(read)
    const { coefficients, pose } = read
    const key = (time: number, more = {}) => ({ time, coefficients, pose, ...more })
    const refused = { code: 'INVALID_ARGUMENT' }
    const none = { ...coefficients, jawOpen: { value: Number.NaN, confidence: 1 } }
    for (const bad of [undefined, {}, { ...read, coefficients: none }, { ...read, pose: {} }]) {
      await expect(faceFlow.rig(bad as never)).rejects.toMatchObject(refused)
      await expect(encodeExpressionGlb(rig, bad as never, [key(0)])).rejects.toMatchObject(refused)
    }
    await expect(faceFlow.rig({ ...read, face: {} } as never)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    for (const keys of [
      undefined,
      [],
      [key(0), key(0)],
      // One time in 32 bits.
      [key(1000), key(1000.000001)],
      [key(0, { coefficients: none })],
      [key(0, { pose: {} })],
    ]) {
      await expect(encodeExpressionGlb(rig, read, keys as never)).rejects.toMatchObject(refused)
    }
    expect((await encodeExpressionGlb(rig, read, [key(0), key(1)])).length).toBeGreaterThan(10_000)
  })

  it('comes with the flow of a pair', async () => {
    const result = await faceFlow.flow(photo('10-0'), photo('10-6'), { backward: false })
    const { a, b } = await result.expression({ neutral: result.a })
    const values = Object.entries(a.coefficients).map(([name, { value }]) =>
      name.startsWith('eyeLook') ? 0 : (value ?? 0),
    )
    expect(Math.max(...values)).toBeLessThan(1e-6)
    expect(b.coefficients.jawOpen.value).toBeGreaterThan(0.4)
    expect(Object.keys(result)).not.toContain('expression')
    await expect(result.expression({ face: { index: 0 } } as object)).rejects.toThrow('face: is for photos')
  })

  it('of a pair goes by the meshes that its flow saw, and by the pixels where those were drawn into', async () => {
    const result = await faceFlow.flow(photo('10-0'), photo('10-6'), { backward: false })
    expect(seenFrames(result).map(({ frame }) => frame.data)).toEqual([
      result.registeredA.data,
      result.registeredB.data,
    ])
    const read = async () => [(await result.expression()).b, await faceFlow.expression(result.b)] as const
    const assertAlike = ([ofPair, ofFace]: readonly [Expression, Expression]) => {
      expect(ofPair.confidence).toBeCloseTo(ofFace.confidence, 4)
      for (const [name, { value }] of Object.entries(ofPair.coefficients)) {
        const other = ofFace.coefficients[name as CoefficientName].value
        expect(value === null ? null : Math.abs(value - (other ?? 1)) < 1e-4, name).toBe(
          other === null ? null : true,
        )
      }
    }
    const before = await read()
    assertAlike(before)
    result.b.registered.data.copyWithin(0, 4 * 20 * 224)
    const after = await read()
    assertAlike(after)
    expect(after[0].confidence).not.toBe(before[0].confidence)
  })

  it('refuses a profile, a face that is not there, and options that mean nothing', async () => {
    await expect(faceFlow.expression(PROFILE)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(faceFlow.expression(blank)).rejects.toMatchObject({ code: 'NO_FACE' })
    await expect(faceFlow.expression(photo('10-0'), { face: { index: 2 } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const wrong = { fieldOfVeiw: 60 } as object
    await expect(faceFlow.expression(photo('10-0'), wrong)).rejects.toThrow('fieldOfVeiw')
    await expect(faceFlow.expression(photo('10-0'), { fieldOfView: 0 })).rejects.toThrow('fieldOfView')
  })
})

describe('expressions', () => {
  it('reads the faces that a tracker has found', async () => {
    const faces = [photo('10-6'), photo('10-2')].map((name) => faceFlow.detect(name))
    const stream = await faceFlow.expressions({ smoothing: false })
    const jaws = []
    for (const [i, found] of faces.entries()) {
      const { status, expression } = await stream.next((await found)[0] as FaceFrame, i)
      jaws.push([status, Math.round(expression?.coefficients.jawOpen.value as number)])
    }
    expect(jaws).toEqual([
      ['ok', 1],
      ['ok', 0],
    ])
  })

  it('says that the face is lost, and goes on where it comes back', async () => {
    const stream = await faceFlow.expressions()
    const frames = [blank, photo('10-6'), blank, photo('10-6')]
    const steps = []
    for (const [i, frame] of frames.entries()) steps.push(await stream.next(frame, i / 25))
    expect(steps.map(({ status }) => status)).toEqual(['lost', 'ok', 'lost', 'regained'])
    expect(steps[0]?.expression).toBeNull()
    expect(steps[0]?.message).toContain('no face')
    const [first, again] = [steps[1], steps[3]].map((step) => step?.expression?.coefficients.jawOpen.value)
    // The second start is smoothed from nothing before it.
    expect(again).toBeCloseTo(first as number, 2)
    await expect(stream.next(photo('10-6'), 0)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('goes on from JSON in the middle of a video, to the same bits', async () => {
    const names = [null, '10-0', '10-6', null, '10-2', '10-6']
    const frame = (i: number) => (names[i] ? photo(names[i]) : blank)
    const damaged = { time: 0, cut: false, read: {}, tracker: null }
    await expect((await faceFlow.expressions()).resume([damaged] as never, null)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    const whole = await faceFlow.expressions({ neutral: photo('10-0') })
    const steps = []
    const memories: string[] = []
    for (let i = 0; i < names.length; i++) {
      steps.push(await whole.next(frame(i), i / 25))
      memories.push(JSON.stringify(whole.memory))
    }
    const values = (step: { status: string; expression: object | null }) => {
      const { face: _, ...read } = { face: null, ...step.expression }
      return [step.status, read]
    }
    // After a frame before the first face, after one with it, after one that has lost it.
    for (const [count, faces] of [
      [1, null],
      [3, [1, 2]],
      [4, [1, 2]],
    ] as const) {
      const stream = await faceFlow.expressions({ neutral: photo('10-0') })
      const known = memories.slice(0, count).map((memory) => JSON.parse(memory) as ExpressionMemory)
      expect(known.findIndex(({ tracker }) => tracker?.face)).toBe(faces?.[0] ?? -1)
      const earlier = await stream.resume(known, faces && [frame(faces[0]), frame(faces[1])])
      const later = []
      for (let i = count; i < names.length; i++) later.push(await stream.next(frame(i), i / 25))
      expect([...earlier, ...later].map(values)).toEqual(steps.map(values))
      await expect(stream.resume(known, null)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })
})
