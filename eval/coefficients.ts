import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { EYES } from '../src/animate/face-parts.js'
import { eyeOpening, mouthOpening } from '../src/animate/openings.js'
import { ExpressionSmoother } from '../src/expression/smooth-expression.js'
import {
  COEFFICIENT_NAMES,
  type CoefficientName,
  DeepFaceFlow,
  type Expression,
  FaceError,
  openFrames,
} from '../src/index.js'
import { correlation, gain, mean, slope, spread } from './coefficient-metrics.js'

/**
 * npm run eval -- coefficients: what `expression` reads from photos of rendered heads whose coefficients, gaze and pose are known
 * (test/fixtures/eval/coefficients; identities, skins and photos never trained on), from the photo on: the face is found, registered and
 * read as users have it. With --clips also what can be said of real clips, where nobody knows the truth: whether coefficients follow the
 * openings that the landmark network sees, and how much they shake at rest.
 */

interface TruePhoto {
  readonly photo: string
  readonly person: number
  /** Whether it shows the person at rest. */
  readonly rest: boolean
  /** Yaw, pitch, roll of `HeadPose`, degrees. */
  readonly pose: readonly [number, number, number]
  /** To the left edge, up; degrees. */
  readonly gaze: readonly [number, number]
  readonly coefficients: readonly number[]
}

interface Truth {
  readonly names: readonly CoefficientName[]
  readonly photos: readonly TruePhoto[]
}

/** Not pooled: where the eyes look is told by the gaze, and a mouth that an open jaw leaves shut is rare. */
const isPooled = (name: string) =>
  !name.startsWith('eyeLook') && name !== 'mouthClose' && name !== 'tongueOut'

export async function evaluateCoefficients(args: readonly string[]): Promise<void> {
  const options = new Command('eval coefficients')
    .option('--adapter <name>', 'auto, hardware, software, embedded or part of an adapter name')
    .option(
      '--fixtures <folder>',
      'other photos, as the training package writes them',
      join('test', 'fixtures', 'eval', 'coefficients'),
    )
    .option('--clips <folders...>', 'videos or folders of frames of real faces')
    .option('--only-clips', 'leave out the photos')
    .parse([...args], { from: 'user' })
    .opts<{ adapter?: string; fixtures: string; clips?: string[]; onlyClips?: boolean }>()
  const faceFlow = await DeepFaceFlow.create({
    ...(options.adapter !== undefined && { adapter: options.adapter }),
  })
  try {
    process.stdout.write(`${faceFlow.adapter}\n\n`)
    if (!options.onlyClips) await evaluatePhotos(faceFlow, options.fixtures)
    if (options.clips) await evaluateClips(faceFlow, options.clips)
  } finally {
    faceFlow.dispose()
  }
}

interface Read {
  readonly truth: TruePhoto
  readonly absolute: Expression
  /** Told against the person at rest; null for pictures at rest. */
  readonly relative: Expression | null
}

async function evaluatePhotos(faceFlow: DeepFaceFlow, folder: string): Promise<void> {
  const { names, photos } = JSON.parse(await readFile(join(folder, 'truth.json'), 'utf8')) as Truth
  const read: Read[] = []
  let missed = 0
  for (const truth of photos) {
    const photo = join(folder, truth.photo)
    const rest = photos.find(({ person, rest: isRest }) => isRest && person === truth.person) as TruePhoto
    try {
      const absolute = await faceFlow.expression(photo)
      const relative = truth.rest
        ? null
        : await faceFlow.expression(photo, { neutral: join(folder, rest.photo) })
      read.push({ truth, absolute, relative })
    } catch (error) {
      if (!(error instanceof FaceError)) throw error
      missed++
      process.stdout.write(`${truth.photo}: ${error.message}\n`)
    }
  }
  printPose(read)
  printCoefficients(read, names)
  process.stdout.write(`${read.length} photos read, ${missed} not\n\n`)
}

function printPose(read: readonly Read[]): void {
  const lines = ['| degrees | slope | mean error | within 25 of yaw | beyond |', '|---|---|---|---|---|']
  for (const [axis, name] of (['yaw', 'pitch', 'roll'] as const).entries()) {
    const pairs = read.map(({ truth, absolute }) => ({
      truth: truth.pose[axis] as number,
      found: absolute.pose.angles[name],
      isNear: Math.abs(truth.pose[0]) <= 25,
    }))
    const error = (of: typeof pairs) => mean(of.map(({ truth, found }) => Math.abs(found - truth))).toFixed(2)
    const near = pairs.filter(({ isNear }) => isNear)
    const far = pairs.filter(({ isNear }) => !isNear)
    const line = slope(
      pairs.map(({ truth }) => truth),
      pairs.map(({ found }) => found),
    ).toFixed(3)
    lines.push(
      `| ${name} | ${line} | ${error(pairs)} | ${error(near)} | ${far.length > 0 ? error(far) : '-'} |`,
    )
  }
  const seen = read.filter(({ absolute }) => absolute.gaze.confidence > 0.5)
  for (const [axis, name] of (['yaw', 'pitch'] as const).entries()) {
    const truth = seen.map(({ truth: { gaze } }) => (axis === 0 ? (gaze[0] as number) : -(gaze[1] as number)))
    const found = seen.map(({ absolute }) => absolute.gaze[name])
    const error = mean(found.map((value, i) => Math.abs(value - (truth[i] as number))))
    lines.push(
      `| gaze ${name}, ${seen.length} photos | ${slope(truth, found).toFixed(3)} | ${error.toFixed(2)} (r ${correlation(found, truth).toFixed(2)}) | | |`,
    )
  }
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

function printCoefficients(read: readonly Read[], names: readonly CoefficientName[]): void {
  const moving = read.filter((one): one is Read & { readonly relative: Expression } => one.relative !== null)
  const table = (kind: 'absolute' | 'relative', chosen: readonly CoefficientName[]) => {
    const pairs = moving.flatMap((one) =>
      chosen.map((name) => {
        const { value, confidence } = one[kind].coefficients[name]
        return { found: value ?? 0, confidence, truth: one.truth.coefficients[names.indexOf(name)] ?? 0 }
      }),
    )
    const [found, truth] = [pairs.map((pair) => pair.found), pairs.map((pair) => pair.truth)]
    return { found, truth, pairs, r: correlation(found, truth), gain: gain(found, truth) }
  }
  const lines = ['| r / gain | absolute | against the person at rest |', '|---|---|---|']
  const unseen = (kind: 'absolute' | 'relative') => moving[0]?.[kind].unseen ?? []
  const cell = (kind: 'absolute' | 'relative', chosen: readonly CoefficientName[]) => {
    if (chosen.every((name) => unseen(kind).includes(name))) return 'unseen'
    const { r, gain: g } = table(kind, chosen)
    return `${r.toFixed(2)} / ${g.toFixed(2)}`
  }
  const row = (label: string, of: (kind: 'absolute' | 'relative') => readonly CoefficientName[]) =>
    lines.push(`| ${label} | ${cell('absolute', of('absolute'))} | ${cell('relative', of('relative'))} |`)
  const seen = (kind: 'absolute' | 'relative') =>
    names.filter((name) => isPooled(name) && !unseen(kind).includes(name))
  row('all, pooled; unseen ones count as 0', () => names.filter(isPooled))
  row('those seen, pooled', seen)
  for (const name of names)
    if (!unseen('relative').includes(name) || !unseen('absolute').includes(name)) row(name, () => [name])
  process.stdout.write(`${lines.join('\n')}\n\n`)
  for (const kind of ['absolute', 'relative'] as const) {
    process.stdout.write(`${kind}, not to be seen: ${unseen(kind).join(', ')}\n`)
    const figures = (chosen: readonly CoefficientName[]) => {
      const { pairs } = table(kind, chosen)
      const error = mean(pairs.map(({ found, truth }) => Math.abs(found - truth)))
      const zero = mean(pairs.map(({ truth }) => Math.abs(truth)))
      return `${error.toFixed(4)}, of saying zero ${zero.toFixed(4)} (${(100 * (1 - error / zero)).toFixed(0)} % less)`
    }
    const { pairs } = table(kind, seen(kind))
    const right = mean(pairs.map(({ found, truth }) => (Math.abs(found - truth) <= 0.15 ? 1 : 0)))
    const said = mean(pairs.map(({ confidence }) => confidence))
    process.stdout.write(
      `${kind}, mean error of all ${figures(names.filter(isPooled))}; of those seen ${figures(seen(kind))}; ` +
        `these within 0.15: ${(100 * right).toFixed(0)} %, said ${(100 * said).toFixed(0)} %\n`,
    )
  }
}

/** Frames, on either side, over which the openings must hardly change for a frame to count as at rest. */
const REST_REACH = 2
const RESTING = 0.012

async function evaluateClips(faceFlow: DeepFaceFlow, clips: readonly string[]): Promise<void> {
  const lines = [
    '| clip | blink against lid opening, r | jaw against mouth opening, r | shake at rest: smoothed, not | frames |',
    '|---|---|---|---|---|',
  ]
  for (const clip of clips) {
    const { times, read: plain } = await readClip(faceFlow, clip)
    const smoother = new ExpressionSmoother()
    const smoothed = plain.map(
      (one, i) => one && smoother.next(one, (times[i] as number) - (times[i - 1] ?? -1)),
    )
    const seen = plain.filter((one) => one !== null)
    const lids = seen.map(({ face }) => -mean(EYES.map((eye) => eyeOpening(face.landmarks468, eye))))
    const lips = seen.map(({ face }) => mouthOpening(face.landmarks468))
    const value = (name: CoefficientName) => seen.map(({ coefficients }) => coefficients[name].value ?? 0)
    const blink = value('eyeBlinkLeft').map((left, i) => (left + (value('eyeBlinkRight')[i] as number)) / 2)
    const cells = [correlation(blink, lids), correlation(value('jawOpen'), lips)].map((r) => r.toFixed(3))
    const shake = [smoothed, plain].map((read) => shakeOf(read).toFixed(4)).join(', ')
    lines.push(`| ${basename(clip)} | ${cells.join(' | ')} | ${shake} | ${seen.length} |`)
  }
  process.stdout.write(`${lines.join('\n')}\n`)
}

async function readClip(
  faceFlow: DeepFaceFlow,
  clip: string,
): Promise<{ times: number[]; read: (Expression | null)[] }> {
  const source = await openFrames(clip)
  const stream = await faceFlow.expressions({ smoothing: false })
  const times: number[] = []
  const read: (Expression | null)[] = []
  for await (const { photo, time } of source.frames(0, new AbortController().signal)) {
    times.push(time ?? read.length / (source.rate ?? 25))
    read.push((await stream.next(photo, times.at(-1) as number)).expression)
  }
  return { times, read }
}

/** Mean spread of the coefficients over stretches of frames in which neither lips nor lids move. */
function shakeOf(read: readonly (Expression | null)[]): number {
  const openings = (one: Expression) => [
    mouthOpening(one.face.landmarks468),
    ...EYES.map((eye) => eyeOpening(one.face.landmarks468, eye)),
  ]
  const spreads: number[] = []
  for (let i = REST_REACH; i < read.length - REST_REACH; i++) {
    const near = read.slice(i - REST_REACH, i + REST_REACH + 1).filter((one) => one !== null)
    if (near.length <= 2 * REST_REACH) continue
    const moves = near.map(openings)
    if ([0, 1, 2].some((k) => spread(moves.map((values) => values[k] as number)) > RESTING)) continue
    for (const name of COEFFICIENT_NAMES) {
      const values = near.flatMap(({ coefficients }) => coefficients[name].value ?? [])
      if (values.length > 0) spreads.push(spread(values))
    }
  }
  return spreads.length > 0 ? mean(spreads) : Number.NaN
}
