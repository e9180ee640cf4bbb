import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import { DeepFaceFlow, DeepFaceFlowError, type FaceFrame } from '../src/index.js'

/**
 * npm run eval:download: how far the 8-bit weights of the mesh network move the landmarks of photos. What they do to the
 * flow of registered frames is in npm run eval.
 */
const program = new Command('eval:download')
  .description('Landmarks of photos by the networks of dffnet-m-small-8bit against those of dffnet-m-small.')
  .argument('[folder]', 'JPEG photos', join('test', 'fixtures', 'front-end'))
  .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
  .option('--every <n>', 'only every n-th photo', '1')
program.parse()
const folder = program.processedArgs[0] as string
const options = program.opts<{ adapter?: string; every: string }>()

const open = (weights: string): Promise<DeepFaceFlow> =>
  DeepFaceFlow.create({
    weights,
    depth: 'network',
    refinement: 'none',
    ...(options.adapter !== undefined && { adapter: options.adapter }),
  })
const before = await open('dffnet-m-small')
const now = await open('dffnet-m-small-8bit')
const photos = (await readdir(folder)).filter((name) => /\.jpe?g$/i.test(name)).sort()
const shifts: number[] = []
const presence: string[] = []
for (const photo of photos.filter((_, i) => i % Number(options.every) === 0)) {
  const path = join(folder, photo)
  const [a, b] = [await largestFace(before, path), await largestFace(now, path)]
  if (a !== undefined && b !== undefined) shifts.push(meanShift(a, b))
  else if (a !== b) presence.push(photo)
}
before.dispose()
now.dispose()
shifts.sort((a, b) => a - b)
const quantile = (part: number): string =>
  (shifts[Math.min(shifts.length - 1, Math.floor(part * shifts.length))] ?? Number.NaN).toFixed(3)
const mean = shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length
process.stdout.write(
  `${before.adapter}: the largest face of ${shifts.length} photos; mean shift of its 468 points, template px: ` +
    `mean ${mean.toFixed(3)}, median ${quantile(0.5)}, 90 % ${quantile(0.9)}, worst ${quantile(1)}; ` +
    `a face by one of them alone: ${presence.length === 0 ? 'none' : presence.join(', ')}\n`,
)

async function largestFace(faceFlow: DeepFaceFlow, photo: string): Promise<FaceFrame | undefined> {
  try {
    return (await faceFlow.detect(photo))[0]
  } catch (error) {
    if (error instanceof DeepFaceFlowError && error.code === 'NO_FACE') return undefined
    throw error
  }
}

/** In the template of the first. */
function meanShift(a: FaceFrame, b: FaceFrame): number {
  const scale = Math.hypot(a.toTemplate.a, a.toTemplate.b)
  let sum = 0
  for (let i = 0; i < a.landmarks468.length; i += 3) {
    const d = (k: number) => (a.landmarks468[i + k] as number) - (b.landmarks468[i + k] as number)
    sum += Math.hypot(d(0), d(1))
  }
  return (scale * sum) / (a.landmarks468.length / 3)
}
