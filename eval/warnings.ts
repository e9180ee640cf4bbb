import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Command } from 'commander'
import sharp from 'sharp'
import { DeepFaceFlow, FaceError, type PairCheck, type PhotoInput } from '../src/index.js'
import { percentile } from './errors.js'

/**
 * Calibration of the checks of a pair (src/products/warnings.ts): how often each is exceeded on good pairs and on bad ones of each
 * kind, and how its figure is spread. Pairs are drawn by a fixed sequence. The photos and clips are the caller's; docs/cli.md says
 * which ones gave the figures there.
 */
const program = new Command('warnings')
  .requiredOption(
    '--photos <folder>',
    'photos of different people, with a table SOURCES.tsv that has columns file, face_px and yaw_deg',
  )
  .requiredOption(
    '--clips <folders...>',
    'folders of frames, one person each; their first four letters say who it is',
  )
  .option('--each <count>', 'pairs of each kind', '40')
  .option('--adapter <name>')
  .parse()
const options = program.opts<{ photos: string; clips: string[]; each: string; adapter?: string }>()
const each = Number(options.each)
/** Side of a face in the template frame, px. */
const FACE_IN_TEMPLATE = 165
/** Blur of B, template px. */
const BLURS = [2, 3, 4, 6, 9]

interface Pair {
  readonly a: PhotoInput
  readonly b: PhotoInput
}

let state = 7
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T

const photos = await readPhotos()
const frontal = photos.filter(({ yaw }) => Math.abs(yaw) < 20)
const turned = photos.filter(({ yaw }) => Math.abs(yaw) > 42)
const clips = await Promise.all(
  options.clips.map(async (folder) => (await readdir(folder)).sort().map((name) => join(folder, name))),
)

const KINDS: Readonly<Record<string, () => Pair | Promise<Pair>>> = {
  'good: two frames of a clip': () => {
    const clip = pick(clips)
    return { a: pick(clip), b: pick(clip) }
  },
  'good: a photo and its copy, brighter or darker, turned, saved again': async () => {
    const { file } = pick(frontal)
    const copy = sharp(file)
      .rotate(random(13) - 6, { background: '#808080' })
      .linear(1, 25 * (random(3) - 1))
    return { a: file, b: await copy.jpeg({ quality: 60 + random(35) }).toBuffer() }
  },
  'bad: photos of two people': () => ({ a: pick(frontal).file, b: pick(frontal).file }),
  'bad: a profile and its mirror image': async () => {
    const { file } = pick(turned)
    return { a: file, b: await sharp(file).flop().png().toBuffer() }
  },
  'bad: a photo and its copy, blurred by 2 to 9 px of the template': async () => {
    const { file, face } = pick(frontal)
    return {
      a: file,
      b: await sharp(file)
        .blur((pick(BLURS) * face) / FACE_IN_TEMPLATE)
        .jpeg()
        .toBuffer(),
    }
  },
  'bad: a photo and its copy with a disc over half of the face': async () => {
    const { file } = pick(frontal)
    const [found] = await faceFlow.detect(file)
    if (found === undefined) throw new TypeError(`${file}: no face`)
    const { x, y, width, height } = found.box
    const { width: w, height: h } = found.image
    const [cx, cy] = [x + (width * (3 + random(5))) / 10, y + (height * (3 + random(5))) / 10]
    const colour = pick(['#c89878', '#333840', '#8a5a44', '#5577aa', '#dddddd'])
    const disc = `<svg width="${w}" height="${h}"><ellipse cx="${cx}" cy="${cy}" rx="${0.4 * width}" ry="${0.35 * height}" fill="${colour}"/></svg>`
    return {
      a: file,
      b: await sharp(file)
        .composite([{ input: Buffer.from(disc) }])
        .jpeg()
        .toBuffer(),
    }
  },
}

const faceFlow = await DeepFaceFlow.create(options.adapter === undefined ? {} : { adapter: options.adapter })
try {
  for (const [kind, draw] of Object.entries(KINDS)) {
    const results: (readonly PairCheck[])[] = []
    let refused = 0
    for (let i = 0; i < each; i++) {
      try {
        const { a, b } = await draw()
        results.push((await faceFlow.flow(a, b)).checks)
      } catch (error) {
        if (!(error instanceof FaceError)) throw error
        refused++
      }
    }
    process.stdout.write(report(kind, results, refused))
  }
} finally {
  faceFlow.dispose()
}

function report(kind: string, results: readonly (readonly PairCheck[])[], refused: number): string {
  const isWarned = (checks: readonly PairCheck[]) => checks.some(({ exceeded }) => exceeded)
  const lines = [
    `${kind}: ${results.length} pairs, ${results.filter(isWarned).length} with a warning; ${refused} refused`,
    '| check | exceeded | least | 5 % | median | 95 % | most |',
    '|---|---|---|---|---|---|---|',
  ]
  for (const code of new Set(results.flat().map((check) => check.code))) {
    const exceeded = results.filter((checks) => checks.some((check) => check.code === code && check.exceeded))
    const values = results.flat().filter((check) => check.code === code)
    const sorted = Float64Array.from(values, ({ value }) => value).sort()
    const cells = [0, 0.05, 0.5, 0.95, 1].map((share) => percentile(sorted, share).toFixed(2))
    lines.push(`| ${code} | ${exceeded.length} | ${cells.join(' | ')} |`)
  }
  return `${lines.join('\n')}\n\n`
}

async function readPhotos(): Promise<{ file: string; face: number; yaw: number }[]> {
  const table = await readFile(join(options.photos, 'SOURCES.tsv'), 'utf8')
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.split('\t'))
  const cell = (row: readonly string[], name: string) => row[head.indexOf(name)] ?? ''
  return rows.map((row) => ({
    file: join(options.photos, cell(row, 'file')),
    face: Number(cell(row, 'face_px')),
    yaw: Number(cell(row, 'yaw_deg')),
  }))
}
