import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type AnimateOptions,
  FaceError,
  LARGEST_STRENGTH,
  MOTIONS,
  type Motion,
  PARTS,
  type Part,
  type Strengths,
} from '../index.js'
import {
  addEngineOptions,
  addFaceOptions,
  addOutputOptions,
  type EngineFlags,
  faceChoice,
  positiveInteger,
} from './options.js'
import { framesPerSecond } from './video-options.js'

export interface AnimateFlags extends EngineFlags {
  readonly out: string
  readonly face?: number
  readonly at?: [number, number]
  readonly driverFace?: number
  readonly source: string[]
  readonly parts?: Part[]
  readonly strength?: Partial<Strengths>
  readonly motion: Motion
  readonly reference: number | 'auto'
  readonly smoothing: boolean
  readonly fps?: number
  readonly mark?: boolean
  readonly force?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addAnimateOptions(command: Command): Command {
  command
    .requiredOption(
      '-o, --out <file or folder>',
      'video (.mp4, .webm; needs ffmpeg), or a folder of PNG pictures',
    )
    .option(
      '--source <photo>',
      'a further photo of the same person, which shows what the photo does not: open mouth, shut lids, another turn; may be given several times',
      (file: string, files: string[]) => [...files, file],
      [],
    )
    .option(
      '--parts <names>',
      `what is taken over, comma-separated: ${PARTS.join(', ')} (default: all)`,
      parts,
    )
    .option(
      '--strength <numbers>',
      `how strongly: one number for all, or mouth=1.2,pose=0.5; 0 to ${LARGEST_STRENGTH} (default: 1)`,
      strengths,
    )
    .addOption(
      new Option(
        '--motion <kind>',
        'what changes against the reference frame, or also how the driver holds head, eyes and mouth there',
      )
        .choices(MOTIONS)
        .default('relative'),
    )
    .option(
      '--reference <n>',
      "the driver's frame (0 = first) that looks as the photo does: mouth shut, eyes open; auto looks for it",
      reference,
      'auto',
    )
    .option(
      '--driver-face <n>',
      "take the n-th largest face of the driver's reference frame",
      positiveInteger,
    )
    .option('--fps <rate>', 'frames per second of a driver that is a folder (default: 25)', framesPerSecond)
    .option('--no-smoothing', 'leave the noise in the motion')
    .option('--mark', 'draw the word "synthetic" into every frame')
    .option('--force', 'compute everything again, also in the place of another animation')
  return addOutputOptions(addEngineOptions(addFaceOptions(command)))
}

/** @throws FaceError INVALID_ARGUMENT where a strength by name is of a part that is not taken over */
export function assertOneMeaning({ parts, strength = {} }: Pick<AnimateFlags, 'parts' | 'strength'>): void {
  const named = PARTS.filter((name) => strength[name] !== undefined)
  // One number is for those that are.
  if (parts === undefined || named.length === PARTS.length) return
  const idle = named.find((name) => !parts.includes(name))
  if (idle === undefined) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `--strength: is for ${idle} too, which --parts ${parts.join(',')} leaves out; name it there, or leave its strength out`,
    { part: idle },
  )
}

/** What the flags mean to the library. */
export function animateOptions(flags: AnimateFlags): AnimateOptions & { readonly strengths: Strengths } {
  const face = faceChoice(flags.face, flags.at)
  const driverFace = faceChoice(flags.driverFace)
  const strengths = { mouth: 1, eyes: 1, brows: 1, pose: 1, light: 1, ...flags.strength }
  for (const part of PARTS) if (flags.parts && !flags.parts.includes(part)) strengths[part] = 0
  return {
    ...(face && { face }),
    ...(driverFace && { driverFace }),
    sources: flags.source,
    strengths,
    motion: flags.motion,
  }
}

function parts(text: string): Part[] {
  return text.split(',').map((name) => part(name.trim()))
}

function part(name: string): Part {
  if ((PARTS as readonly string[]).includes(name)) return name as Part
  throw new InvalidArgumentError(`there is no part "${name}"; choose from ${PARTS.join(', ')}.`)
}

function strengths(text: string): Partial<Strengths> {
  if (!text.includes('=')) return Object.fromEntries(PARTS.map((name) => [name, strength(text)]))
  const given = new Map<Part, number>()
  for (const entry of text.split(',')) {
    const [name = '', value = '', more] = entry.split('=')
    if (more !== undefined) throw new InvalidArgumentError('give entries like mouth=1.2, comma-separated.')
    const named = part(name.trim())
    if (given.has(named)) throw new InvalidArgumentError(`"${named}" is given twice; leave one out.`)
    given.set(named, strength(value))
  }
  return Object.fromEntries(given)
}

function strength(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value >= 0 && value <= LARGEST_STRENGTH)) {
    throw new InvalidArgumentError(`give a number from 0 to ${LARGEST_STRENGTH}.`)
  }
  return value
}

function reference(text: string): number | 'auto' {
  if (text === 'auto') return text
  const value = Number(text.trim() || Number.NaN)
  if (!Number.isInteger(value) || value < 0) {
    throw new InvalidArgumentError('give the number of a frame, from 0, or auto.')
  }
  return value
}
