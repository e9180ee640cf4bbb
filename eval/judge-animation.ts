import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, extname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { eulerAngles, multiply, rotationFromAngles, transposed } from '../src/geometry/rotation.js'
import {
  type Animation,
  DeepFaceFlow,
  encodePng,
  type ObservedFrame,
  PARTS,
  type Part,
  smoothedMotion,
} from '../src/index.js'
import { contactSheet } from './contact-sheet.js'
import { percentile } from './errors.js'
import { describeFaces, descriptorDistance } from './identity-peer.js'
import { judgePhotos, type PeerFace } from './judge-peer.js'
import { mean } from './real-metrics.js'
import { correlation, EYES, MOUTH, opening, slope } from './video-metrics.js'

/**
 * npm run eval -- judge-animation --peer FOLDER --driver FOLDER PHOTO...: what networks of others, which took no part, find in
 * photos that were moved. A face landmarker: openings of mouth and lids and the turn of the head against those that it finds in the
 * driver, how much more its points tremble than in the driver, and how much of a turn that was asked for it finds again, beside what it
 * finds of the turns of a scanned head. With --descriptor a face descriptor: how far the moved face is from the photo's.
 */
const TURNS = [10, 15, 20, 25] as const
/** Views of a scanned head from the front and turned by `TURNS` to either side. */
const SCANNED = join('test', 'fixtures', 'eval', 'turned')
/** Side of a picture in contact sheets, px, and how many frames of a driver they show. */
const CELL = 256
const SHOWN = 6

interface Clip {
  readonly still: PeerFace
  readonly frames: readonly PeerFace[]
}

interface Driver {
  readonly name: string
  readonly files: readonly string[]
  /** Of all files but the first, the reference, as the command smooths them; seen once for all photos. */
  motions?: readonly ObservedFrame[]
}

interface Flags {
  readonly peer: string
  readonly descriptor?: string
  readonly driver: readonly string[]
  readonly frames: string
  readonly every: string
  readonly parts?: string
  readonly chromium: string
  readonly pictures?: string
  readonly adapter?: string
}

export async function evaluateJudgedAnimation(args: readonly string[]): Promise<void> {
  const command = new Command('eval judge-animation')
    .description(
      "Photos moved by drivers, judged by MediaPipe's FaceLandmarker and by face-api's descriptor.",
    )
    .argument('<photos...>', 'photos of one face each')
    .requiredOption('--peer <folder>', 'as of `eval judge`')
    .option(
      '--descriptor <folder>',
      'where npm has installed @vladmandic/face-api, @tensorflow/tfjs-backend-wasm of the same TensorFlow.js (face-api 1.7.15: 4.22.0) ' +
        'and playwright-core; also how far moved faces are from the photo',
    )
    .requiredOption(
      '--driver <folder>',
      'frames of one person; the first is the reference; may be given several times',
      (value: string, others: readonly string[]) => [...others, value],
      [] as readonly string[],
    )
    .option('--frames <count>', 'so many frames of a driver', '12')
    .option('--every <count>', 'of its frames, every so many', '1')
    .option('--parts <names>', `only these parts move, of ${PARTS.join(',')}`)
    .option('--chromium <path>', 'the browser that the networks run in', '/usr/bin/chromium')
    .option('--pictures <folder>', 'also a contact sheet of each photo and driver')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const flags = command.opts<Flags>()
  const drivers = await Promise.all(flags.driver.map((folder) => driverOf(folder, flags)))
  const faceFlow = await DeepFaceFlow.create(flags.adapter === undefined ? {} : { adapter: flags.adapter })
  const folder = await mkdtemp(join(tmpdir(), 'judge-animation-'))
  try {
    const moved: string[] = []
    const turned: string[] = []
    const distances: number[] = []
    const clips = await Promise.all(drivers.map(async ({ files }) => clipOf(await judge(flags, files))))
    for (const photo of [...command.args, join(SCANNED, '0.jpg')]) {
      const isScanned = !command.args.includes(photo)
      const animation = await faceFlow.animate(photo, { strengths: strengthsOf(flags) })
      try {
        for (const [i, driver] of (isScanned ? [] : drivers).entries()) {
          const drawn = await drawDriven(animation, driver, folder, `${moved.length}`)
          const found = clipOf(await judge(flags, [photo, ...drawn]))
          const away = await drift(flags, photo, drawn)
          distances.push(...away)
          moved.push(row(basename(photo), driver.name, clips[i] as Clip, found, away))
          if (flags.pictures !== undefined) await writeSheet(flags.pictures, photo, driver, drawn)
        }
        const views = await drawTurned(animation, drivers[0] as Driver, folder)
        turned.push(turnsRow(basename(photo), clipOf(await judge(flags, [photo, ...views]))))
      } finally {
        animation.dispose()
      }
    }
    const real = yawsOf((yaw) => resolve(SCANNED, `${yaw}.jpg`))
    turned.push(
      turnsRow("the scan's own views", clipOf(await judge(flags, [join(SCANNED, '0.jpg'), ...real]))),
    )
    console.log(report(moved, turned, distances).join('\n'))
    console.log(`\n${flags.frames} frames a driver; adapter: ${faceFlow.adapter}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
    faceFlow.dispose()
  }
}

async function driverOf(folder: string, { frames, every }: Flags): Promise<Driver> {
  const names = (await readdir(folder)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
  const chosen = names.filter((_, i) => i % Number(every) === 0).slice(0, 1 + Number(frames))
  return { name: basename(resolve(folder)), files: chosen.map((name) => resolve(folder, name)) }
}

/** @throws TypeError for a part that there is not */
function strengthsOf({ parts }: Flags): Partial<Record<Part, number>> {
  if (parts === undefined) return {}
  const moving = parts.split(',')
  const unknown = moving.find((name) => !PARTS.includes(name as Part))
  if (unknown !== undefined)
    throw new TypeError(`--parts: there is no ${unknown}; choose of ${PARTS.join(',')}`)
  return Object.fromEntries(PARTS.map((part) => [part, moving.includes(part) ? 1 : 0]))
}

async function judge({ peer, chromium }: Flags, photos: readonly string[]): Promise<PeerFace[]> {
  const faces = await judgePhotos(
    peer,
    chromium,
    photos.map((photo) => resolve(photo)),
  )
  return faces.map((face, i) => face ?? shownNoFace(photos[i]))
}

/** Distances of moved faces to the photo's; none without the option. */
async function drift(
  { descriptor, chromium }: Flags,
  photo: string,
  drawn: readonly string[],
): Promise<number[]> {
  if (descriptor === undefined) return []
  const [own, ...others] = (await describeFaces(descriptor, chromium, [resolve(photo), ...drawn])).map(
    (face, i) => face ?? shownNoFace([photo, ...drawn][i]),
  ) as [readonly number[], ...(readonly number[])[]]
  return others.map((other) => descriptorDistance(own, other))
}

function shownNoFace(photo: string | undefined): never {
  throw new TypeError(`${photo} shows the peer no face`)
}

const yawsOf = <T>(of: (yaw: number) => T): T[] => TURNS.flatMap((turn) => [of(turn), of(-turn)])

/** @returns a picture for each of the driver's frames but the first */
async function drawDriven(
  animation: Animation,
  driver: Driver,
  folder: string,
  name: string,
): Promise<string[]> {
  const [reference = '', ...later] = driver.files
  const still = await animation.start(reference)
  if (driver.motions === undefined) {
    const seen = [still]
    for (const file of later) seen.push(await animation.observe(file))
    driver.motions = later.map((_, i) => ({
      ...(seen[i + 1] as ObservedFrame),
      motion: smoothedMotion(seen, i + 1),
    }))
  }
  const out: string[] = []
  for (const [i, file] of later.entries()) {
    const { image } = await animation.draw(driver.motions[i] as ObservedFrame, file)
    out.push(join(folder, `${name}-${i}.png`))
    await writeFile(out.at(-1) as string, await encodePng(image))
  }
  return out
}

/** @returns pictures of turns to either side */
async function drawTurned(animation: Animation, { files }: Driver, folder: string): Promise<string[]> {
  const [reference = ''] = files
  const still = await animation.start(reference)
  const out: string[] = []
  for (const yaw of yawsOf((turn) => turn)) {
    const motion = { ...still.motion, rotation: rotationFromAngles(yaw, 0, 0) }
    const { image } = await animation.draw({ ...still, motion }, reference)
    out.push(join(folder, `turned${yaw}.png`))
    await writeFile(out.at(-1) as string, await encodePng(image))
  }
  return out
}

async function writeSheet(
  folder: string,
  photo: string,
  { name, files }: Driver,
  drawn: readonly string[],
): Promise<void> {
  const step = Math.max(1, Math.floor(drawn.length / SHOWN))
  const shown = <T>(list: readonly T[]) => list.filter((_, i) => i % step === 0).slice(0, SHOWN)
  const rows = [
    [files[0] as string, ...shown(files.slice(1))],
    [photo, ...shown(drawn)],
  ]
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${basename(photo, extname(photo))}-${name}.png`)
  await (await contactSheet(rows, CELL)).png().toFile(file)
}

function clipOf([still, ...frames]: readonly PeerFace[]): Clip {
  return { still: still as PeerFace, frames }
}

function row(
  photo: string,
  driverName: string,
  driver: Clip,
  moved: Clip,
  distances: readonly number[],
): string {
  const follow = (pairs: typeof MOUTH | typeof EYES): string => {
    const [found, wanted] = [moved, driver].map((clip) => openings(clip, pairs)) as [number[], number[]]
    return `${correlation(found, wanted).toFixed(2)} / ${slope(found, wanted).toFixed(2)}`
  }
  const [found, wanted] = [moved, driver].map(turnsOf) as [
    ReturnType<typeof turnsOf>,
    ReturnType<typeof turnsOf>,
  ]
  const errors = (['yaw', 'pitch', 'roll'] as const).map((angle) => {
    return mean(found.map((turn, i) => Math.abs(turn[angle] - (wanted[i]?.[angle] as number)))).toFixed(1)
  })
  const tremble = (trembleOf(moved) / trembleOf(driver)).toFixed(2)
  const cells = [photo, driverName, follow(MOUTH), follow(EYES), errors.join(', '), tremble]
  return `| ${[...cells, describe(distances)].join(' | ')} |`
}

function describe(distances: readonly number[]): string {
  if (distances.length === 0) return '-'
  return `${percentile(Float64Array.from(distances).sort(), 0.5).toFixed(2)} / ${Math.max(...distances).toFixed(2)}`
}

function turnsRow(name: string, clip: Clip): string {
  const turned = turnsOf(clip)
  const again = TURNS.map((turn, i) => {
    const yaw = ((turned[2 * i]?.yaw as number) - (turned[2 * i + 1]?.yaw as number)) / 2
    return (yaw / turn).toFixed(2)
  })
  return `| ${[name, ...again].join(' | ')} |`
}

function report(moved: readonly string[], turned: readonly string[], distances: readonly number[]): string[] {
  return [
    '| photo | driver | mouth r / gain | lids r / gain of their openings | yaw, pitch, roll error, degrees | tremble, output / driver | descriptor, median / worst |',
    '|---|---|---|---|---|---|---|',
    ...moved,
    ...(distances.length > 0 ? ['', `Descriptor over all of them: ${describe(distances)}`] : []),
    '',
    `| turn found again, mean of both sides | ${TURNS.map((turn) => `${turn} degrees`).join(' | ')} |`,
    `|---|${TURNS.map(() => '---|').join('')}`,
    ...turned,
  ]
}

/** Changes against the first picture; of lids as shares of the opening there, as they are carried over: narrow eyes close too. */
function openings({ still, frames }: Clip, pairs: typeof MOUTH | typeof EYES): number[] {
  const first = opening(still.points.flat(), pairs)
  const unit = pairs === EYES ? first : 1
  return frames.map(({ points }) => (opening(points.flat(), pairs) - first) / unit)
}

function turnsOf({ still, frames }: Clip) {
  return frames.map(({ rotation }) => eulerAngles(multiply(rotation, transposed(still.rotation))))
}

/** Mean second difference in time of all points, distances of the outer eye corners. */
function trembleOf({ frames }: Clip): number {
  const steps: number[] = []
  for (let i = 1; i + 1 < frames.length; i++) {
    const [before, now, after] = [frames[i - 1], frames[i], frames[i + 1]] as [PeerFace, PeerFace, PeerFace]
    const [a, b] = [now.points[33], now.points[263]] as [readonly number[], readonly number[]]
    const unit = Math.hypot((a[0] as number) - (b[0] as number), (a[1] as number) - (b[1] as number))
    now.points.forEach((point, v) => {
      const second = (axis: 0 | 1) =>
        (before.points[v]?.[axis] as number) - 2 * point[axis] + (after.points[v]?.[axis] as number)
      steps.push(Math.hypot(second(0), second(1)) / unit)
    })
  }
  return mean(steps)
}
