import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { Command } from 'commander'
import { eulerAngles, multiply, rotationFromAngles, transposed } from '../src/geometry/rotation.js'
import { type Animation, DeepFaceFlow, encodePng, type ObservedFrame } from '../src/index.js'
import { judgePhotos, type PeerFace } from './judge-peer.js'
import { mean } from './real-metrics.js'
import { correlation, EYES, MOUTH, opening, slope } from './video-metrics.js'

/**
 * npm run eval -- judge-animation --peer FOLDER --driver FOLDER PHOTO...: what a face landmarker of others, which took no part, finds in
 * photos that were moved: openings of mouth and lids and the turn of the head against those that it finds in the driver, how much
 * more its points tremble than in the driver, and how much of a turn that was asked for it finds again.
 */
const TURNS = [10, 15, 20, 25] as const

interface Clip {
  readonly still: PeerFace
  readonly frames: readonly PeerFace[]
}

export async function evaluateJudgedAnimation(args: readonly string[]): Promise<void> {
  const command = new Command('eval judge-animation')
    .description("Photos moved by a driver, judged by MediaPipe's FaceLandmarker.")
    .argument('<photos...>', 'photos of one face each')
    .requiredOption('--peer <folder>', 'as of `eval judge`')
    .requiredOption('--driver <folder>', 'frames of one person; the first is the reference')
    .option('--frames <count>', 'so many frames of the driver, one after another', '12')
    .option('--chromium <path>', 'the browser that the landmarker runs in', '/usr/bin/chromium')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .parse(args, { from: 'user' })
  const { peer, driver, frames, chromium, adapter } = command.opts<{
    peer: string
    driver: string
    frames: string
    chromium: string
    adapter?: string
  }>()
  const names = (await readdir(driver)).filter((name) => /\.(jpg|png)$/.test(name)).sort()
  const files = names.slice(0, 1 + Number(frames)).map((name) => resolve(driver, name))
  const faceFlow = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  const folder = await mkdtemp(join(tmpdir(), 'judge-animation-'))
  try {
    const judge = async (photos: readonly string[]) => {
      const faces = await judgePhotos(peer, chromium, photos)
      return faces.map((face, i) => {
        if (face === null) throw new TypeError(`${photos[i]} shows the peer no face`)
        return face
      })
    }
    const truth = clipOf(await judge(files))
    const lines = [
      '| photo | mouth r / gain | lids r / gain | yaw, pitch, roll error, degrees | tremble, output / driver | turn found again, mean of both sides |',
      '|---|---|---|---|---|---|',
    ]
    for (const photo of command.args) {
      const animation = await faceFlow.animate(photo)
      try {
        const drawn = await drawAll(animation, files, folder)
        const faces = await judge([resolve(photo), ...drawn])
        lines.push(row(basename(photo), truth, faces, files.length - 1))
      } finally {
        animation.dispose()
      }
    }
    console.log(lines.join('\n'))
    console.log(`\n${files.length - 1} frames of ${basename(driver)}; adapter: ${faceFlow.adapter}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
    faceFlow.dispose()
  }
}

/** @returns pictures: a driver frame each, then turns to either side */
async function drawAll(animation: Animation, files: readonly string[], folder: string): Promise<string[]> {
  const [reference = '', ...later] = files
  const still = await animation.start(reference)
  const out: string[] = []
  const draw = async (observed: ObservedFrame, frame: string): Promise<void> => {
    const { image } = await animation.draw(observed, frame)
    const file = join(folder, `${out.length}.png`)
    await writeFile(file, await encodePng(image))
    out.push(file)
  }
  for (const file of later) await draw(await animation.observe(file), file)
  for (const yaw of TURNS.flatMap((turn) => [turn, -turn])) {
    await draw({ ...still, motion: { ...still.motion, rotation: rotationFromAngles(yaw, 0, 0) } }, reference)
  }
  return out
}

function clipOf([still, ...frames]: readonly PeerFace[]): Clip {
  return { still: still as PeerFace, frames }
}

function row(name: string, driver: Clip, faces: readonly PeerFace[], count: number): string {
  const { still, frames } = clipOf(faces)
  const moved = { still, frames: frames.slice(0, count) }
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
  const turned = turnsOf({ still, frames: frames.slice(count) })
  const again = TURNS.map((turn, i) => {
    const yaw = ((turned[2 * i]?.yaw as number) - (turned[2 * i + 1]?.yaw as number)) / 2
    return `${turn}: ${(yaw / turn).toFixed(2)}`
  })
  const tremble = trembleOf(moved) / trembleOf(driver)
  return `| ${name} | ${follow(MOUTH)} | ${follow(EYES)} | ${errors.join(', ')} | ${tremble.toFixed(2)} | ${again.join(', ')} |`
}

/** Changes against the first picture. */
function openings({ still, frames }: Clip, pairs: typeof MOUTH | typeof EYES): number[] {
  const first = opening(still.points.flat(), pairs)
  return frames.map(({ points }) => opening(points.flat(), pairs) - first)
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
