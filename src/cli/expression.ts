import { lstat, stat } from 'node:fs/promises'
import { dirname, extname, resolve, sep } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import {
  type Expression,
  type ExpressionRow,
  type ExpressiveFaceFlow,
  encodeExpressionGlb,
  expressionCsv,
  expressionJsonLines,
  FaceError,
  hiddenParts,
  isStillPicture,
  openFrames,
  photoFile,
  probeOutputFile,
  writeFileAtomic,
} from '../index.js'
import { type CliContext, ExitRequest } from './context.js'
import { EXIT } from './exit-codes.js'
import { type ReadingFlags, type ReadRows, readPhotos } from './expression-rows.js'
import { readVideo } from './expression-video.js'
import {
  addEngineOptions,
  addFaceOptions,
  addOutputOptions,
  createOptions,
  type EngineFlags,
} from './options.js'
import { startProgress } from './progress.js'
import { oneLine } from './terminal-text.js'
import { assertNoRate, framesPerSecond, PICTURE_RATE } from './video-options.js'

interface ExpressionFlags extends EngineFlags, ReadingFlags {
  readonly out: string[]
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addExpressionCommand(program: Command, context: CliContext): void {
  const command = program
    .command('expression')
    .summary('what faces do, in numbers: 52 coefficients, gaze, head pose')
    .description(
      "Reads the 52 coefficients by ARKit's names, gaze and head pose from photos, or from every frame of a video, into a table.",
    )
    .argument('<photos...>', 'photos, or one video (needs ffmpeg), folder of frames or pattern in quotes')
    .requiredOption(
      '-o, --out <file>',
      'table (.csv), one JSON value a line (.jsonl), or a mesh of the face with named morph targets, animated (.glb); may be given several times',
      (file: string, files: string[] | undefined) => [...(files ?? []), file],
    )
    .option(
      '--neutral <photo>',
      'a photo of the same person at rest, against which coefficients are told; auto: the photo or frame that is most at rest',
      (text) => photoFile(text, '--neutral'),
    )
    .option(
      '--field-of-view <degrees>',
      "the camera's, from side to side: gives the distance of the face",
      degrees,
    )
    .option('--fps <rate>', `frames per second of a folder (default: ${PICTURE_RATE})`, framesPerSecond)
    .option('--no-smoothing', 'leave the noise in what rests in a video')
  addOutputOptions(addEngineOptions(addFaceOptions(command))).action(
    (inputs: string[], flags: ExpressionFlags) => expressionCommand(context, inputs, flags),
  )
}

const PHOTO = /\.(jpe?g|jpe|jfif|a?png|webp|avif|tiff?|hei[cf])$/i

async function expressionCommand(
  context: CliContext,
  inputs: string[],
  flags: ExpressionFlags,
): Promise<void> {
  const outputs = flags.out.map((out) => ({ out, encode: encoderOf(out) }))
  const [first = ''] = inputs
  const isVideo = inputs.length === 1 && (await holdsFrames(first))
  const source = isVideo ? await openFrames(first, context.interrupted) : null
  if (source?.clip) assertNoRate(first, flags.fps)
  if (!isVideo) await assertNoFolder(inputs)
  const photos = isVideo ? [] : inputs.map((input) => photoFile(input, 'the photo'))
  const rest = flags.neutral !== undefined && flags.neutral !== 'auto' ? [flags.neutral] : []
  const read = [...(source?.files ?? [first]), ...photos, ...rest]
  for (const { out } of outputs) {
    if (read.some((file) => resolve(file) === resolve(out))) {
      throw new FaceError('INVALID_ARGUMENT', `${out}: would replace what is read; give another name with -o`)
    }
    await assertWritable(out)
  }
  // A mesh is made of a picture, which no log holds.
  const log = outputs.some(({ encode }) => encode === animatedRig) ? null : (outputs[0]?.out ?? null)
  if (source) context.watchesInterrupts()
  const progress = startProgress(context, source ? (source.count ?? 0) : photos.length, flags.quiet ?? false)
  try {
    const faceFlow = await context.open({ ...createOptions(flags), onProgress: progress.step })
    try {
      let rows: readonly ExpressionRow[] = []
      const write = async (read: ReadRows) => {
        for (const { out, encode } of outputs) await writeFileAtomic(out, await encode(read, faceFlow))
        rows = read.rows
      }
      if (source) await readVideo(context, faceFlow, source, flags, log, progress, write)
      else await write(await readPhotos(faceFlow, photos, flags, progress))
      progress.stop()
      report(context, rows, flags)
    } finally {
      faceFlow.dispose()
    }
  } finally {
    progress.stop()
  }
}

function report(context: CliContext, rows: readonly ExpressionRow[], flags: ExpressionFlags): void {
  const lost = rows.filter(({ expression }) => expression === null).length
  const read = rows.flatMap(({ expression }) => expression ?? [])
  const unseen = (read[0]?.unseen ?? []).filter((name) => read.every((row) => row.unseen.includes(name)))
  const covered = read.filter((row) => hiddenParts(row).length > 0).length
  if (flags.json) {
    context.stdout(`${JSON.stringify({ out: flags.out, rows: rows.length, lost, covered, unseen })}\n`)
  } else if (!flags.quiet) {
    const missing = `${lost > 0 ? `, ${lost} without a face` : ''}${covered > 0 ? `, ${covered} without values of eyes or mouth, which are covered` : ''}${context.interrupted.aborted ? ', stopped there' : ''}`
    context.stdout(
      `${oneLine(`${rows.length} row${rows.length === 1 ? '' : 's'} in ${flags.out.join(', ')}${missing}; no row has a value of ${unseen.join(', ')}`)}\n`,
    )
  }
  if (context.interrupted.aborted) throw new ExitRequest(EXIT.interrupted)
  if (lost > 0) throw new ExitRequest(EXIT.partial)
}

type Encoder = (read: ReadRows, faceFlow: ExpressiveFaceFlow) => string | Promise<Uint8Array>

function encoderOf(out: string): Encoder {
  if (out === '') throw new FaceError('INVALID_ARGUMENT', '-o: is an empty name; give the name of a file')
  switch (extname(out).toLowerCase()) {
    case '.csv':
      return ({ rows }) => expressionCsv(rows)
    case '.jsonl':
    case '.ndjson':
      return ({ rows }) => expressionJsonLines(rows)
    case '.glb':
      return animatedRig
    default:
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${out}: cannot be written; end the name in .csv for a table, .jsonl for one JSON value a line, or .glb for a mesh with morph targets`,
        { out },
      )
  }
}

/** The mesh of the frame that is most at rest, and the coefficients of all; photos follow each other by a second. */
async function animatedRig({ rows, base }: ReadRows, faceFlow: ExpressiveFaceFlow): Promise<Uint8Array> {
  const seen = rows.flatMap(({ expression, time }, i) =>
    expression ? [{ expression, time: time ?? i }] : [],
  )
  const start = seen[0]?.time ?? 0
  const times = seen.map(({ time }) => Math.fround(time - start))
  // Frames of one instant, as the file tells times, are one key.
  const keyed = seen.filter((_, i) => i === 0 || (times[i] as number) > (times[i - 1] as number))
  const keys = keyed.map(({ expression, time }) => ({
    time: time - start,
    coefficients: expression.coefficients,
    pose: expression.pose,
  }))
  // Only tables are gone on with.
  const face = base as Expression
  return await encodeExpressionGlb(await faceFlow.rig(face), face, keys)
}

/** A picture is one by what it holds, whatever its name; what is not there is a pattern or the name of a photo. */
async function holdsFrames(input: string): Promise<boolean> {
  const there = await stat(input).catch(() => null)
  if (there?.isDirectory()) return true
  if (there === null) return !PHOTO.test(input) || /[*?[{(]/.test(input)
  return !PHOTO.test(input) && !(there.isFile() && (await isStillPicture(input)))
}

/** @throws FaceError INVALID_ARGUMENT */
async function assertNoFolder(inputs: readonly string[]): Promise<void> {
  for (const input of inputs) {
    if (!(await stat(input).catch(() => null))?.isDirectory()) continue
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${input}: is a folder, among photos; give a folder of frames alone, and photos by their names`,
      { file: input },
    )
  }
}

/** Before the work, after which it would be noticed that there is a folder in the table's place, or none around it. */
async function assertWritable(out: string): Promise<void> {
  const there = await lstat(out).catch(() => null)
  if (there?.isDirectory() || out.endsWith('/') || out.endsWith(sep)) {
    throw new FaceError('OUTPUT_FAILED', `${out}: is a folder; give the name of a file`, { file: out })
  }
  const folder = dirname(out)
  if (await stat(folder).catch(() => null)) return await probeOutputFile(out)
  throw new FaceError(
    'OUTPUT_FAILED',
    `${out}: the folder ${folder} does not exist; create it or choose another one with -o`,
    { file: out, code: 'ENOENT' },
  )
}

function degrees(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value >= 5 && value <= 170)) throw new InvalidArgumentError('give an angle from 5 to 170 degrees.')
  return value
}
