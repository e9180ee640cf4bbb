import { fileURLToPath } from 'node:url'
import { readSafetensors } from '../../src/weights/safetensors.js'

/** The canonical face of the package as a face in a picture. */
const file = await readSafetensors(
  fileURLToPath(new URL('../../weights/canonical-face.safetensors', import.meta.url)),
)

export const TRIANGLES = Uint32Array.from(file.indices('triangles', [898, 3]))

const POSITIONS = file.tensor('positions', [468, 3])

/** 468x3 px: from the front, with its middle at (cx, cy). @param scale px a centimetre */
export function frontalFace(cx = 100, cy = 100, scale = 6): Float64Array {
  return Float64Array.from(POSITIONS, (value, k) => scale * value + ([cx, cy, 0][k % 3] as number))
}

/** Centre, right, upper, left and lower point of an iris in a picture, radii. */
const ROUND = [
  [0, 0],
  [1, 0],
  [0, -1],
  [-1, 0],
  [0, 1],
] as const

/** 10x2: irises in the middle of the eyes. @param mesh 468x3 @param radius px; 0: five points in one */
export function centredIrises(mesh: ArrayLike<number>, radius = 0): Float64Array {
  const eye = (outer: number, inner: number) => {
    const [x, y] = [0, 1].map(
      (axis) => ((mesh[3 * outer + axis] as number) + (mesh[3 * inner + axis] as number)) / 2,
    )
    return ROUND.flatMap(([dx, dy]) => [(x as number) + radius * dx, (y as number) + radius * dy])
  }
  return Float64Array.from([...eye(33, 133), ...eye(263, 362)])
}
