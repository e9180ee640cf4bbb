import { join } from 'node:path'
import { bridge, carryOver } from '../src/animate/carry-over.js'
import { faceTriangles } from '../src/animate/face-parts.js'
import { type HeadMotion, headMotion, motionReference } from '../src/animate/head-motion.js'
import { InnerMouth, mouthPlaces } from '../src/animate/inner-mouth.js'
import { photoHead } from '../src/animate/photo-head.js'
import { seenSurround, surroundReference } from '../src/animate/seen-surround.js'
import { makeSheet } from '../src/animate/sheet.js'
import { DeepFaceFlow, decodePhoto, type FaceFrame, type Rgba } from '../src/index.js'
import { cropAndResize } from '../src/platform/index.js'
import { packageFacts } from '../src/platform/node/package-root.js'
import { describeLoad, LoadMeter, machineContext } from './lib/context.js'
import { type BenchOptions, benchCommand } from './lib/options.js'
import { main, print, writeJson } from './lib/report.js'
import { quantile } from './lib/statistics.js'
import { formatTable } from './lib/table.js'

const command = benchCommand(
  'bench:animate',
  "A frame of an animation beyond the flow, and what its face does, against the registered pair in the same run: processor time of the process, which on software adapters is the shaders' cost",
).parse()

/** A person, four further frames of the same, and the driver, two frames of another. */
const PHOTO = 'eval/animate/lbbc2a-001.jpg'
const SOURCES = [11, 29, 47, 65].map((frame) => `eval/animate/lbbc2a-0${frame}.jpg`)
const FRAMES = ['eval/animate/pwij3p-001.jpg', 'eval/animate/pwij3p-047.jpg'] as const
/** Middle of the frames of 360x288 px, and the side that it is enlarged to. */
const WINDOW = { x: 36, y: 0, width: 288, height: 288 } as const
const SIDE = 512

/** Calls until the JavaScript engine has compiled what runs on the CPU. */
const WARM_UP = 50

await main(async () => {
  const options = command.opts<BenchOptions>()
  const load = new LoadMeter()
  const faceFlow = await DeepFaceFlow.create(
    options.adapter === undefined ? {} : { adapter: options.adapter },
  )
  const read = (name: string) => decodePhoto(join(packageFacts().root, 'test', 'fixtures', name))
  const enlarged = async (name: string) => cropAndResize(await read(name), WINDOW, SIDE, SIDE)
  const photo = await enlarged(PHOTO)
  const sources = await Promise.all(SOURCES.map(enlarged))
  const [first, later] = await Promise.all([read(FRAMES[0]), read(FRAMES[1])])
  const pair = await faceFlow.flow(first, later, { backward: false })
  const animation = await faceFlow.animate(photo)
  const fused = await faceFlow.animate(photo, { sources })
  for (const each of [animation, fused]) await each.start(first)
  const observed = await animation.observe(later)
  if (observed.status === 'held')
    throw new TypeError(`the driver's second frame is held: ${observed.message}`)
  const cpu = await cpuOfFrame(animation.face, pair.triangles, pair)
  const work = {
    'registered pair': () => faceFlow.flowRegistered(pair.registeredA, pair.registeredB, { backward: false }),
    'drawn frame': () => animation.draw(observed, later),
    'of that sheet and mouth, on the CPU': async () => cpu.drawn(),
    'motion of the head and its surround, on the CPU': async () => cpu.observed(),
    'drawn frame, four further sources': () => fused.draw(observed, later),
    'expression of a face that was found': () => faceFlow.expression(pair.b),
    "expressions of the pair's two faces": () => pair.expression(),
  }
  const samples = Object.fromEntries(Object.keys(work).map((name) => [name, [] as number[]]))
  const runs = options.runs ?? (options.quick ? 5 : 20)
  for (let run = 0; run < WARM_UP; run++) cpu.drawn(cpu.observed())
  // The first of each compiles and warms up.
  for (let run = -1; run < runs; run++) {
    for (const [name, once] of Object.entries(work)) {
      const before = process.cpuUsage()
      await once()
      const { user, system } = process.cpuUsage(before)
      if (run >= 0) samples[name]?.push((user + system) / 1000)
    }
  }
  const rows = Object.entries(samples).map(([name, values]) => ({
    name,
    minMs: quantile(values, 0),
    medianMs: quantile(values, 0.5),
  }))
  const pairMs = rows[0]?.minMs as number
  print(
    formatTable(
      [`${photo.width}x${photo.height} px`, 'min ms', 'median', 'min, of the pair'],
      rows.map(({ name, minMs, medianMs }) => [name, minMs, medianMs, minMs / pairMs]),
    ),
  )
  print(`adapter: ${faceFlow.adapter}`)
  animation.dispose()
  fused.dispose()
  faceFlow.dispose()
  const ended = load.stop()
  print(describeLoad(ended))
  await writeJson(options.json, { script: 'animate', context: machineContext(), load: ended, rows })
  return 0
})

/** What a frame's motion and its sheet cost, the sheet over all of the picture: no person has more. */
async function cpuOfFrame(
  face: FaceFrame,
  triangles: ArrayLike<number>,
  { a, b }: { readonly a: FaceFrame; readonly b: FaceFrame },
): Promise<{ observed(): HeadMotion; drawn(motion?: HeadMotion): void }> {
  const { width, height } = face.image
  const head = photoHead(face.landmarks468, face.irises)
  const faces = faceTriangles(triangles)
  const innerMouth = new InnerMouth(faces, { image: face.image, places: mouthPlaces(face.landmarks468) })
  const mouth = { image: b.image, places: mouthPlaces(b.landmarks468), isPhotosPerson: false }
  const sheet = makeSheet(head, faces, new Uint8Array(width * height).fill(1), face.image)
  const seen = ({ landmarks468, irises }: FaceFrame) => ({
    mesh: landmarks468,
    landmarks: landmarks468,
    irises,
  })
  const reference = motionReference(seen(a))
  const link = bridge(head, reference, true)
  const whole = { mouth: 1, eyes: 1, brows: 1, pose: 1, light: 1 }
  const everywhere = async ({ width, height }: Rgba) => new Float32Array(width * height).fill(1)
  const places = await surroundReference(reference, a.image, triangles, everywhere)
  const observed = () => {
    const motion = headMotion(reference, seen(b))
    return { ...motion, surround: seenSurround(places, reference, motion, b.image) }
  }
  const still = observed()
  return {
    observed,
    drawn(motion = still) {
      sheet.move(carryOver(link, motion, whole, 'relative'))
      innerMouth.cut(mouth, 1)
    },
  }
}
