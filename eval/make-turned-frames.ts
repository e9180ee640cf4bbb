import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { rotate, rotationFromAngles } from '../src/geometry/rotation.js'

/*
 * Views of a scanned head that turns, for `npm run eval -- judge-animation`:
 * npx tsx eval/make-turned-frames.ts SCAN.json COLOURS.jpg test/fixtures/eval/turned
 * SCAN.json is what training/decode-scan.mjs writes: v (x right, y up, z to the viewer), uv, t.
 */
const YAWS = [0, 10, -10, 15, -15, 20, -20, 25, -25]
const SIDE = 512
/** Drawn so much larger, then made smaller: no aliasing. */
const FINER = 2
/** Of the scan: heights of its bounding box to the camera; where, in shares of the box, the axis of the turn lies; its size in the picture. */
const CAMERA = 5
const AXIS = { down: 0.3, back: 0.11 }
const SIZE = 1.15

const [scanFile, colourFile, out] = process.argv.slice(2) as [string, string, string]
const { v, uv, t } = JSON.parse(await readFile(scanFile, 'utf8')) as Record<'v' | 'uv' | 't', number[]>
const colours = await sharp(colourFile).removeAlpha().raw().toBuffer({ resolveWithObject: true })
const points = v.map((value, k) => (k % 3 === 0 ? value : -value))
const range = (axis: number): [number, number] => {
  const values = points.filter((_, k) => k % 3 === axis)
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
}
const [[left, right], [top, bottom], [front, back]] = [range(0), range(1), range(2)] as const
const height = bottom - top
const centre = [(left + right) / 2, top + AXIS.down * height, front + 2 * AXIS.back * (back - front)] as const

await mkdir(out, { recursive: true })
for (const yaw of YAWS) {
  const width = FINER * SIDE
  await sharp(drawn(yaw, width), { raw: { width, height: width, channels: 3 } })
    .resize(SIDE, SIDE, { kernel: 'lanczos3' })
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
    .toFile(join(out, `${yaw}.jpg`))
}

/** @returns width x width x 3: the scan, in its own colours without light, over grey */
function drawn(yaw: number, width: number): Uint8Array {
  const rotation = rotationFromAngles(yaw, 0, 0)
  const seen = new Float64Array(points.length)
  for (let k = 0; k < points.length; k += 3) {
    const [x, y, z] = rotate(
      rotation,
      (points[k] as number) - centre[0],
      (points[k + 1] as number) - centre[1],
      (points[k + 2] as number) - centre[2],
    )
    const scale = (SIZE * width * CAMERA) / (CAMERA * height + z)
    seen.set([x * scale + width / 2, y * scale + 0.45 * width, z], k)
  }
  const picture = new Uint8Array(width * width * 3).fill(130)
  const depths = new Float64Array(width * width).fill(Number.POSITIVE_INFINITY)
  for (let i = 0; i < t.length; i += 3) drawTriangle(t.slice(i, i + 3), seen, picture, depths, width)
  return picture
}

function drawTriangle(
  corners: readonly number[],
  seen: Float64Array,
  picture: Uint8Array,
  depths: Float64Array,
  width: number,
): void {
  const [a, b, c] = corners as [number, number, number]
  const at = (corner: number, axis: number) => seen[3 * corner + axis] as number
  const [ax, ay] = [at(a, 0), at(a, 1)]
  const [bx, by, cx, cy] = [at(b, 0) - ax, at(b, 1) - ay, at(c, 0) - ax, at(c, 1) - ay]
  const area = bx * cy - by * cx
  if (Math.abs(area) < 1e-9) return
  const inside = (value: number) => Math.max(0, Math.min(width - 1, Math.floor(value)))
  for (let y = inside(ay + Math.min(0, by, cy)); y <= inside(ay + Math.max(0, by, cy)); y++) {
    for (let x = inside(ax + Math.min(0, bx, cx)); x <= inside(ax + Math.max(0, bx, cx)); x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay]
      const [second, third] = [(px * cy - py * cx) / area, (py * bx - px * by) / area]
      const first = 1 - second - third
      if (first < 0 || second < 0 || third < 0) continue
      const mix = (of: (corner: number) => number) => first * of(a) + second * of(b) + third * of(c)
      const depth = mix((corner) => at(corner, 2))
      const pixel = y * width + x
      if (depth >= (depths[pixel] as number)) continue
      depths[pixel] = depth
      const texel = (k: number, size: number): number => {
        const place = mix((corner) => uv[2 * corner + k] as number)
        return Math.max(0, Math.min(size - 1, Math.floor((k === 0 ? place : 1 - place) * size)))
      }
      const { info, data } = colours
      const from = 3 * (texel(1, info.height) * info.width + texel(0, info.width))
      picture.set(data.subarray(from, from + 3), 3 * pixel)
    }
  }
}
