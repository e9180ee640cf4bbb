import { expect, it } from 'vitest'
import { landmarkWarp } from '../../eval/landmark-warp.js'
import type { Point } from '../../eval/polygons.js'
import { seededRandom } from '../random.js'

const [WIDTH, HEIGHT] = [40, 32]
const random = seededRandom('landmarks')
const landmarks = Array.from(
  { length: 30 },
  (): Point => [8 + (WIDTH - 16) * random(), 8 + (HEIGHT - 16) * random()],
)
/** Red and green say where a pixel is from. */
const picture = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: 4 * WIDTH * HEIGHT }, (_, i) => {
    const pixel = i >> 2
    return [5 * (pixel % WIDTH), 5 * Math.floor(pixel / WIDTH), 7, 255][i % 4] as number
  }),
}

it('leaves a picture whose landmarks stay as it is', () => {
  expect(landmarkWarp(picture, landmarks, landmarks).data).toEqual(picture.data)
})

it('moves what lies between landmarks by the affine map of their triangle, and leaves the corners', () => {
  const [dx, dy] = [2.4, -1.6]
  const { data } = landmarkWarp(
    picture,
    landmarks,
    landmarks.map(([x, y]): Point => [x + dx, y + dy]),
  )
  const middle: Point = [WIDTH / 2, HEIGHT / 2]
  const at = 4 * (middle[1] * WIDTH + middle[0])
  expect(Math.abs((data[at] as number) - 5 * (middle[0] - dx))).toBeLessThanOrEqual(0.5)
  expect(Math.abs((data[at + 1] as number) - 5 * (middle[1] - dy))).toBeLessThanOrEqual(0.5)
  expect([...data.subarray(0, 4)]).toEqual([...picture.data.subarray(0, 4)])
})
