import { expect, it } from 'vitest'
import { rawLook } from '../../../src/face/video/look.js'
import { seededRandom } from '../../random.js'
import { referenceRawLook } from '../../reference/look.js'
import { ellipsoidMesh } from '../../support/synthetic.js'

it.each([
  [0, 0, 1],
  [-60, 30, 1],
  [70, -80, 1.2],
  [300, 0, 1],
  [0, 0, 0.3],
])(
  'a look computed about the face alone is that of whole fields: moved by %i, %i, scaled by %f',
  (dx, dy, k) => {
    const random = seededRandom('look')
    const data = Uint8Array.from({ length: 224 * 224 * 4 }, () => 256 * random())
    const picture = { width: 224, height: 224, data }
    const mesh = ellipsoidMesh().vertices.map((v, i) => 112 + k * (v - 112) + ([dx, dy, 0][i % 3] as number))
    expect(rawLook(picture, mesh)).toEqual(referenceRawLook(picture, mesh))
  },
)
