import { expect, it } from 'vitest'
import { ownedInput } from '../../src/expression/expression-input.js'
import type { FaceFrame } from '../../src/face/types.js'

const pixels = (side: number) => ({ width: side, height: side, data: new Uint8Array(4 * side * side) })
const face = {
  box: { x: 1, y: 2, width: 3, height: 4 },
  score: 0.9,
  image: pixels(300),
  registered: pixels(224),
  toTemplate: { a: 1, b: 0, tx: 0, ty: 0 },
  landmarks68: new Float32Array(136),
  landmarks468: new Float32Array(1404),
  irises: new Float32Array(20),
} as unknown as FaceFrame

it('a face that was found is taken as it is, by copy', () => {
  expect(ownedInput(face, 'it')).toEqual(face)
})

it.each<[string, Partial<Record<keyof FaceFrame, unknown>>]>([
  [
    'landmarks that are not finite',
    { landmarks468: face.landmarks468.map((_, i) => (i === 5 ? Number.NaN : 0)) },
  ],
  ['irises that are not finite', { irises: face.irises.map(() => Number.POSITIVE_INFINITY) }],
  ['a transform that is none', { toTemplate: { a: Number.NaN, b: 0, tx: 0, ty: 0 } }],
  ['a box without height', { box: { x: 1, y: 2, width: 3 } }],
  ['no score', { score: undefined }],
  ['too few landmarks', { landmarks468: face.landmarks468.slice(3) }],
  ['a frame of another size', { registered: pixels(112) }],
  ['a frame of floats', { registered: { ...pixels(224), data: new Float32Array(4 * 224 * 224) } }],
  ['a photo without pixels', { image: {} }],
  ['a photo of fewer bytes than its size', { image: { ...pixels(300), data: new Uint8Array(5) } }],
])('a face with %s is refused by its name', (_, change) => {
  const call = () => ownedInput({ ...face, ...change } as FaceFrame, 'photo B')
  expect(call).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  expect(call).toThrow(/^photo B: .*numbers finite/)
})
