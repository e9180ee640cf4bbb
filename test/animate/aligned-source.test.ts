import { describe, expect, it } from 'vitest'
import { alignSource, isSameView, withinPicture } from '../../src/animate/aligned-source.js'
import type { Rgba } from '../../src/geometry/types.js'
import { seededRandom } from '../random.js'

/** Further photos laid over the photo. */
function picture(width: number, height: number, colour: (x: number, y: number) => number): Rgba {
  const data = new Uint8Array(width * height * 4).fill(255)
  for (let i = 0; i < width * height; i++)
    data.fill(Math.round(colour((i % width) + 0.5, Math.floor(i / width) + 0.5)), 4 * i, 4 * i + 3)
  return { width, height, data }
}
/** What 256 levels are, divided by a gain. */
const darker = (gain: number) => Float64Array.from({ length: 256 }, (_, level) => level / gain)
const SAME = { a: 1, b: 0, tx: 0, ty: 0 }

describe('a source', () => {
  it('that lies there already keeps its pixels', async () => {
    const random = seededRandom('source')
    const image = picture(40, 30, () => 255 * random())
    const aligned = await alignSource(image, SAME, [darker(1), darker(1), darker(1)], image)
    expect(aligned.image.data).toEqual(image.data)
    expect(aligned.shown.every((value) => value === 1)).toBe(true)
  })

  it('is moved, turned and enlarged into place, with the exposure of the photo, and says what it does not show', async () => {
    const image = picture(40, 40, (x, y) => 2 * x + 3 * y)
    // By a right angle about the corner, twice as large, moved back into the picture.
    const { image: out, shown } = await alignSource(
      image,
      { a: 0, b: 2, tx: 80, ty: 10 },
      [darker(1.25), darker(1), darker(1)],
      { width: 90, height: 90 },
    )
    // (20, 30) goes to (80 - 60, 10 + 40).
    const i = 50 * 90 + 20
    expect(out.data[4 * i + 1]).toBeCloseTo(2 * 20.25 + 3 * 29.75, -0.5)
    expect((out.data[4 * i] as number) / (out.data[4 * i + 1] as number)).toBeCloseTo(0.8, 1)
    expect([shown[i], shown[5 * 90 + 40], shown[50 * 90 + 85]]).toEqual([1, 0, 0])
  })

  it('is of the same view where the background is, whatever the person does', () => {
    const person = new Uint8Array(400).map((_, i) => (i % 20 > 5 && i % 20 < 14 ? 1 : 0))
    const one = picture(20, 20, (x) => (x > 6 && x < 14 ? 40 : 120))
    const other = picture(20, 20, (x) => (x > 6 && x < 14 ? 200 : 123))
    expect(isSameView(one, other, [person, person])).toBe(true)
    expect(
      isSameView(
        one,
        picture(20, 20, () => 160),
        [person, person],
      ),
    ).toBe(false)
    expect(
      isSameView(
        one,
        picture(20, 10, () => 120),
        [person, person],
      ),
    ).toBe(false)
    const everywhere = new Uint8Array(400).fill(1)
    expect(isSameView(one, other, [person, everywhere])).toBe(false)
  })

  it('fades out towards its border, and is gone where it ends', () => {
    // Twice as large and moved by 10 px: the picture of 100x50 px ends at 10 and 210, 0 and 100.
    const toWorking = { a: 2, b: 0, tx: 10, ty: 0 }
    const places = [110, 50, 0, 0, 110, 2, 0, 0, 5, 50, 0, 0, 110, 16, 0, 0]
    const shares = withinPicture(places, { width: 100, height: 50 }, toWorking, 50)
    expect([...shares]).toEqual([1, 0, 0, 0.5])
  })
})
