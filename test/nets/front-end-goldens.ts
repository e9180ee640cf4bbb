import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import type { RegionOfInterest } from '../../src/face/find/roi.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import type { WeightFile } from '../../src/weights/weight-file.js'

/** Photos of test/fixtures/front-end. */
export const GOLDEN_NAMES = ['tilted', 'blonde', 'smile', 'turned', 'pout', 'franck', 'franck-smile'] as const

const path = (file: string) => fileURLToPath(new URL(`../fixtures/front-end/${file}`, import.meta.url))

export const readWeights = (network: string): Promise<WeightFile> =>
  readSafetensors(fileURLToPath(new URL(`../../weights/${network}.safetensors`, import.meta.url)))

export interface Golden {
  readonly photo: { readonly width: number; readonly height: number; readonly rgba: Uint8Array }
  /** 128x128 RGBA. */
  readonly detectorInput: Uint8Array
  /** 192x192 RGBA. */
  readonly crop: Uint8Array
  readonly roi: RegionOfInterest
  readonly answers: WeightFile
}

async function pixels(file: string) {
  const { data, info } = await sharp(path(file)).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgba: new Uint8Array(data) }
}

export async function readGolden(name: string): Promise<Golden> {
  const answers = await readSafetensors(path(`${name}.safetensors`))
  const [cx = 0, cy = 0, side = 0, angle = 0] = answers.tensor('photo.roi', [4])
  return {
    photo: await pixels(`${name}.jpg`),
    detectorInput: (await pixels(`${name}.detector.png`)).rgba,
    crop: (await pixels(`${name}.crop.png`)).rgba,
    roi: { cx, cy, side, angle },
    answers,
  }
}

/** Mean and largest 3D distance of the first `count` points. */
export function distances(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  count: number,
): { mean: number; max: number } {
  let sum = 0
  let max = 0
  for (let i = 0; i < count; i++) {
    const axis = (k: number) => (a[3 * i + k] ?? Number.NaN) - (b[3 * i + k] ?? Number.NaN)
    const distance = Math.hypot(axis(0), axis(1), axis(2))
    sum += distance
    max = Math.max(max, distance)
  }
  return { mean: sum / count, max }
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`)
  let max = 0
  for (let i = 0; i < a.length; i++)
    max = Math.max(max, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN)))
  return max
}
