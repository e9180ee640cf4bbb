import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { landmarks68 } from '../src/face/register/landmarks.js'
import { type Animation, DeepFaceFlow, decodePhoto, encodePng, type Rgba } from '../src/index.js'
import { psnr, REGIONS, type Region, regionMasks, ssim } from './animate-metrics.js'
import { landmarkWarp } from './landmark-warp.js'
import type { Point } from './polygons.js'
import { inOtherTone } from './tones.js'

/**
 * npm run eval -- animate: a person's first frame moved by the same person's later ones, against these frames. DIS, whose warp stands
 * beside it, sees the pixels of the later frame everywhere; the animation sees its face only, and what is driven by landmarks alone 68 points of it. Once more with four further frames of the
 * person as sources, none of which is one of these.
 */

interface Clip {
  readonly first: string
  readonly sources: readonly string[]
  readonly later: readonly {
    readonly name: string
    readonly dis: { readonly x: number; readonly y: number }
  }[]
}

type Scores = Record<Region, { psnr: number[]; ssim: number[] }>

const METHODS = [
  'first frame unchanged',
  '68 landmarks, piecewise affine',
  "DIS's warp",
  'animate',
  'animate, five photos',
] as const

export async function evaluateAnimation(args: readonly string[]): Promise<void> {
  const options = new Command('eval animate')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .option(
      '--fixtures <folder>',
      'frames and what DIS makes of them',
      join('test', 'fixtures', 'eval', 'animate'),
    )
    .option('--other-tones', 'the further frames as other cameras and lamps would have them')
    .option('--pictures <folder>', 'also the drawn frames')
    .parse(args, { from: 'user' })
    .opts<{ adapter?: string; fixtures: string; otherTones?: true; pictures?: string }>()
  const read = (name: string) => decodePhoto(join(options.fixtures, name))
  const clips = JSON.parse(await readFile(join(options.fixtures, 'frames.json'), 'utf8')) as Clip[]
  const scores = METHODS.map(emptyScores)
  const unchanged: number[] = []
  const faceFlow = await DeepFaceFlow.create(
    options.adapter === undefined ? {} : { adapter: options.adapter },
  )
  try {
    for (const { first, sources, later } of clips) {
      const photo = await read(`${first}.jpg`)
      const further = await Promise.all(sources.map((name) => read(`${name}.jpg`)))
      const more = options.otherTones ? further.map(inOtherTone) : further
      const animations = [await faceFlow.animate(photo), await faceFlow.animate(photo, { sources: more })]
      const landmarks = pointsOf((animations[0] as Animation).face.landmarks468)
      for (const animation of animations) {
        await animation.start(photo)
        const { image: own } = await animation.next(photo)
        unchanged.push(psnr(own, photo, new Uint8Array(photo.width * photo.height).fill(1)))
      }
      for (const { name, dis } of later) {
        const target = await read(`${name}.jpg`)
        const [face] = await faceFlow.detect(target)
        if (face === undefined) throw new TypeError(`${name} shows no face`)
        const moved: Rgba[] = []
        for (const animation of animations) moved.push((await animation.next(target)).image)
        const masks = regionMasks(face.landmarks468, target)
        const byLandmarks = landmarkWarp(photo, landmarks, pointsOf(face.landmarks468))
        const drawn = [photo, byLandmarks, inPlace(photo, await read(`${name}-dis.png`), dis), ...moved]
        drawn.forEach((picture, i) => {
          for (const region of REGIONS) {
            const { psnr: levels, ssim: likeness } = (scores[i] as Scores)[region]
            levels.push(psnr(picture, target, masks[region]))
            likeness.push(ssim(picture, target, masks[region]))
          }
        })
        if (options.pictures !== undefined) {
          await mkdir(options.pictures, { recursive: true })
          for (const [i, image] of moved.entries()) {
            const file = `${name}${i === 0 ? '' : '-fused'}.png`
            await writeFile(join(options.pictures, file), await encodePng(image))
          }
        }
      }
      for (const animation of animations) animation.dispose()
    }
    console.log(table(scores, faceFlow.adapter))
    console.log(
      `\nEach first frame driven by itself, lowest: ${Math.min(...unchanged).toFixed(0)} dB over all of the picture`,
    )
  } finally {
    faceFlow.dispose()
  }
}

/** The 68 landmarks. */
function pointsOf(mesh: Float32Array): Point[] {
  const points = landmarks68(mesh)
  return Array.from(
    { length: points.length / 2 },
    (_, i): Point => [points[2 * i] as number, points[2 * i + 1] as number],
  )
}

function emptyScores(): Scores {
  return Object.fromEntries(REGIONS.map((region) => [region, { psnr: [], ssim: [] }])) as unknown as Scores
}

/** The part that DIS warped in its place in the frame. */
function inPlace(photo: Rgba, part: Rgba, { x, y }: { readonly x: number; readonly y: number }): Rgba {
  const data = photo.data.slice()
  for (let row = 0; row < part.height; row++) {
    const from = part.data.subarray(4 * row * part.width, 4 * (row + 1) * part.width)
    data.set(from, 4 * ((y + row) * photo.width + x))
  }
  return { ...photo, data }
}

function table(scores: readonly Scores[], adapter: string): string {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const rows = METHODS.map((method, i) => {
    const cells = REGIONS.map((region) => {
      const { psnr: levels, ssim: likeness } = (scores[i] as Scores)[region]
      return `${mean(levels).toFixed(1)} / ${mean(likeness).toFixed(3)}`
    })
    return `| ${method} | ${cells.join(' | ')} |`
  })
  const frames = (scores[0] as Scores).face.psnr.length
  return [
    `PSNR dB / SSIM, means of ${frames} frames (adapter: ${adapter})`,
    `| | ${REGIONS.join(' | ')} |`,
    `|---|${REGIONS.map(() => '---|').join('')}`,
    ...rows,
  ].join('\n')
}
