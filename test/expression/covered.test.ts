import { NodeIO } from '@gltf-transform/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { coveredMouth } from '../../src/animate/covered-mouth.js'
import { ExpressionSmoother } from '../../src/expression/smooth-expression.js'
import {
  type CoefficientName,
  DeepFaceFlow,
  type Expression,
  encodeExpressionGlb,
  type FaceFrame,
  mostAtRest,
  type Rgba,
} from '../../src/index.js'
import { UnlitMaterials } from '../../src/io/unlit-materials.js'

let faceFlow: DeepFaceFlow
let face: FaceFrame
beforeAll(async () => {
  faceFlow = await DeepFaceFlow.create()
  face = (await faceFlow.detect('test/fixtures/photos/faker_male_063.jpg'))[0] as FaceFrame
})
afterAll(() => faceFlow.dispose())

const point = (v: number) =>
  [face.landmarks468[3 * v] as number, face.landmarks468[3 * v + 1] as number] as const

type Colour = readonly [number, number, number]

/** The photo with ellipses painted about points, radii in distances of the outer eye corners. */
function painted(
  points: readonly (readonly [number, number])[],
  rx: number,
  ry: number,
  colour: Colour,
): FaceFrame {
  const { width, height, data } = face.image
  const unit = Math.hypot(point(33)[0] - point(263)[0], point(33)[1] - point(263)[1])
  const pixels = data.slice()
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    const inside = points.some(
      ([px, py]) => ((x - px) / (rx * unit)) ** 2 + ((y - py) / (ry * unit)) ** 2 < 1,
    )
    if (inside) pixels.set(colour, 4 * i)
  }
  return { ...face, image: { width, height, data: pixels } as Rgba }
}
const withSunglasses = () => painted([eyeMiddle(0), eyeMiddle(1)], 0.3, 0.2, [18, 18, 22])
const withMask = () => painted([point(14)], 0.5, 0.36, [196, 206, 214])
/** Over the cheeks, too, by whose colour eyes are told. */
const withWideMask = () => painted([point(14)], 0.75, 0.52, [196, 206, 214])
const withHand = () => painted([point(14)], 0.4, 0.3, [208, 160, 138])

function eyeMiddle(eye: number): readonly [number, number] {
  const [a, b] = eye === 0 ? ([33, 133] as const) : ([263, 362] as const)
  return [(point(a)[0] + point(b)[0]) / 2, (point(a)[1] + point(b)[1]) / 2]
}

const valueless = ({ coefficients }: Expression): string[] =>
  (Object.keys(coefficients) as CoefficientName[]).filter((name) => coefficients[name].value === null)

it('what sunglasses, a mask or a hand hide has no value, and a warning says so with its figure', async () => {
  const free = await faceFlow.expression(face)
  expect(free.warnings).toEqual([])
  const sunglasses = await faceFlow.expression(withSunglasses())
  expect(sunglasses.warnings.join()).toMatch(
    /^the face: something seems to cover the eyes \(\d\.\d\d, of free ones below 0\.25\); .* no value; give a picture/,
  )
  expect(valueless(sunglasses)).toEqual(
    expect.arrayContaining(['eyeBlinkLeft', 'eyeLookUpRight', 'eyeWideLeft']),
  )
  expect(sunglasses.coefficients.jawOpen.value).not.toBeNull()
  expect(sunglasses.gaze.confidence).toBe(0)
  expect([...sunglasses.unseen].sort()).toEqual(valueless(sunglasses).sort())
  for (const covered of [withMask(), withWideMask(), withHand()]) {
    const read = await faceFlow.expression(covered)
    expect(read.warnings.join()).toMatch(
      /something seems to cover the mouth \(\d\.\d\d, of free ones below 0\.6\)/,
    )
    expect(valueless(read)).toEqual(expect.arrayContaining(['jawOpen', 'mouthSmileLeft', 'cheekPuff']))
    expect(read.coefficients.eyeBlinkLeft).toMatchObject({ value: expect.any(Number) })
    expect(read.gaze).toEqual(free.gaze)
  }
})

it('a mouth in the dark, where lips look like skin, is not taken for a covered one', async () => {
  for (const share of [0.04, 0.08, 0.12]) {
    const data = face.image.data.map((level, i) => (i % 4 < 3 ? Math.round(share * level) : level))
    expect(coveredMouth({ ...face.image, data }, face.landmarks468)).toBeGreaterThan(0.5)
    const { coefficients } = await faceFlow.expression({ ...face, image: { ...face.image, data } })
    expect(coefficients.jawOpen.value).not.toBeNull()
  }
})

it('a mask whose figure falls below the limit for a frame stays one, in a stream that is resumed too', async () => {
  // So much of the mask and the rest of the face: what a mask in motion looks like.
  const masked = withMask()
  const data = masked.image.data.map((level, i) =>
    Math.round(0.36 * level + 0.64 * (face.image.data[i] as number)),
  )
  const blurred: FaceFrame = { ...face, image: { ...masked.image, data } }
  expect(valueless(await faceFlow.expression(blurred))).not.toContain('jawOpen')
  const frames = [face, masked, blurred, masked, face, face]
  const wanted = [false, true, true, true, true, false]
  const stream = await faceFlow.expressions({ smoothing: false })
  const memories = []
  for (const [i, frame] of frames.entries()) {
    const { expression } = await stream.next(frame, i / 25)
    expect([i, valueless(expression as Expression).includes('jawOpen')]).toEqual([i, wanted[i]])
    memories.push(JSON.parse(JSON.stringify(stream.memory)))
  }
  const resumed = await faceFlow.expressions({ smoothing: false })
  await resumed.resume(memories.slice(0, 5), null)
  await resumed.next(frames[5] as FaceFrame, 5 / 25)
  expect(resumed.memory).toEqual(stream.memory)
  const weak = await faceFlow.expressions({ smoothing: false })
  await weak.resume(memories.slice(0, 2), null)
  expect((await weak.next(blurred, 2 / 25)).expression?.warnings.join()).toContain('as in the frames before')
})

it('against a person at rest who is covered nothing is told of what is', async () => {
  const read = await faceFlow.expression(face, { neutral: withMask() })
  expect(read.warnings.join()).toContain('the neutral face: something seems to cover the mouth')
  expect(valueless(read)).toEqual(expect.arrayContaining(['jawOpen', 'mouthSmileLeft']))
  expect(read.coefficients.eyeBlinkLeft.value).not.toBeNull()
})

it('a covered mouth does not pass for one at rest, and what comes out from under the hand is not smoothed with what was', async () => {
  const open = await faceFlow.expression(face)
  const hidden = await faceFlow.expression(withMask())
  expect(mostAtRest([hidden, open, hidden])).toBe(1)
  const jaw = (value: number | null): Expression => ({
    ...open,
    coefficients: { ...open.coefficients, jawOpen: { value, confidence: 1 } },
  })
  const smoother = new ExpressionSmoother()
  const values = [0, 0, null, 0.5].map((value) => smoother.next(jaw(value), 0.04).coefficients.jawOpen.value)
  expect(values).toEqual([0, 0, null, 0.5])
})

it('a mesh that moves does not shut its mouth where it is covered', async () => {
  const open = await faceFlow.expression(face)
  const keys = [null, 0.2, null, null, 0.8, null].map((value, i) => ({
    time: i,
    coefficients: {
      ...open.coefficients,
      jawOpen: { value, confidence: 1 },
      mouthLeft: { value: null, confidence: 0 },
    },
  }))
  const bytes = await encodeExpressionGlb(await faceFlow.rig(open), open, keys)
  const root = (await new NodeIO().registerExtensions([UnlitMaterials]).readBinary(bytes)).getRoot()
  const names = root.listMeshes()[0]?.getExtras().targetNames as string[]
  const weights = [...(root.listAnimations()[0]?.listSamplers()[0]?.getOutput()?.getArray() ?? [])]
  const of = (name: string) =>
    keys.map((_, i) => Number(weights[i * names.length + names.indexOf(name)]?.toFixed(3)))
  expect(of('jawOpen')).toEqual([0.2, 0.2, 0.4, 0.6, 0.8, 0.8])
  expect(of('mouthLeft')).toEqual([0, 0, 0, 0, 0, 0])
})
