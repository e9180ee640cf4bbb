import { join } from 'node:path'
import { Command } from 'commander'
import sharp from 'sharp'
import { applySimilarity } from '../src/geometry/similarity.js'
import {
  DeepFaceFlow,
  decodePhoto,
  encodeJpeg,
  type FlowResult,
  type RegisteredFlowResult,
} from '../src/index.js'
import { mean } from './real-metrics.js'

/**
 * npm run eval -- copies [photos]: flow between a photo and copies of it that were compressed anew, in which nothing moves: what of
 * it is registration, and what the networks and the refinement make of other pixels.
 */
const PHOTOS = [
  join('demo', 'franck_01829.jpg'),
  join('test', 'fixtures', 'photos', 'faker_male_000.jpg'),
  join('test', 'fixtures', 'photos', 'faker_female_019.jpg'),
]
const QUALITIES = [90, 75]
/** Tip of the nose among the 68 landmarks. */
const NOSE = 30

export async function evaluateCopies(args: readonly string[]): Promise<void> {
  const command = new Command('eval copies')
    .description('Flow between photos and copies of them that were compressed anew.')
    .argument('[photos...]')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const { adapter } = command.opts<{ adapter?: string }>()
  const photos = command.args.length > 0 ? command.args : PHOTOS
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  try {
    console.log(
      '| photo, JPEG quality | nose moved by registration, px | dx: mean, worst | dy | dz | same registration: dx | dy | dz |',
    )
    console.log('|---|---|---|---|---|---|---|---|')
    for (const photo of photos) {
      for (const quality of QUALITIES) {
        const copy = await sharp(photo).rotate().jpeg({ quality }).toBuffer()
        const whole = await faceFlow.flow(photo, copy, { backward: false })
        const { registeredA } = whole
        const again = await decodePhoto(await encodeJpeg(registeredA, quality))
        const alone = await faceFlow.flowRegistered(registeredA, again, { backward: false })
        const cells = [whole, alone].flatMap((result) => [0, 1, 2].map((axis) => spread(result, axis)))
        const [first, ...rest] = [noseShift(whole).toFixed(2), ...cells]
        console.log(`| ${photo}, ${quality} | ${[first, ...rest].join(' | ')} |`)
      }
    }
    console.log(`\ntemplate px; adapter: ${faceFlow.adapter}`)
  } finally {
    faceFlow.dispose()
  }
}

/** How far apart both registrations put one and the same place of the photo. */
function noseShift({ a, b }: FlowResult): number {
  const place = [a.landmarks68[2 * NOSE] as number, a.landmarks68[2 * NOSE + 1] as number] as const
  const [x, y] = applySimilarity(a.toTemplate, ...place)
  const [u, v] = applySimilarity(b.toTemplate, ...place)
  return Math.hypot(u - x, v - y)
}

function spread({ flow, mask }: RegisteredFlowResult, axis: number): string {
  const lengths: number[] = []
  mask.forEach((on, i) => {
    if (on !== 0) lengths.push(Math.abs(flow[3 * i + axis] as number))
  })
  return `${mean(lengths).toFixed(2)}, ${lengths.reduce((most, v) => Math.max(most, v), 0).toFixed(2)}`
}
