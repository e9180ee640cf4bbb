import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ownedPhoto } from '../../src/face/owned-photo.js'
import type { PhotoInput } from '../../src/geometry/types.js'

describe('ownedPhoto', () => {
  it.each([
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['a Buffer', Buffer.of(1, 2, 3)],
    ['bytes of another realm', runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array],
  ])('copies %s', (_, bytes) => {
    const own = ownedPhoto(bytes) as Uint8Array
    bytes.fill(9)
    expect([...own]).toEqual([1, 2, 3])
  })

  it('copies pixels, whatever array they come in', () => {
    for (const data of [Uint8Array.of(1, 2, 3, 4), Uint8ClampedArray.of(1, 2, 3, 4)]) {
      const own = ownedPhoto({ width: 1, height: 1, data } as unknown as PhotoInput)
      data.fill(9)
      expect(own).toEqual({
        width: 1,
        height: 1,
        data: new (data.constructor as typeof Uint8Array)([1, 2, 3, 4]),
      })
    }
  })

  it('leaves what it cannot copy to the decoder', () => {
    for (const other of ['a.jpg', undefined, null, 7, {}, { data: 'x' }]) {
      expect(ownedPhoto(other as PhotoInput)).toBe(other)
    }
  })
})
