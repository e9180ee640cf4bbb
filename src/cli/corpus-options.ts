import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type AssemblyOptions,
  CORPUS_DEFAULTS,
  type CorpusOptions,
  corpusOptions,
  DEFAULT_SHARD_BYTES,
  messageOf,
  parseShares,
  SPLIT_BYS,
  type SplitBy,
} from '../index.js'
import { JOBS_HELP, type JobsFlag, jobsFlag } from './crew.js'
import { addEngineOptions, addOutputOptions, type EngineFlags, positiveInteger } from './options.js'

/** How entries are worked on, whatever command does it. */
export interface WorkFlags extends EngineFlags {
  readonly jobs: JobsFlag
  readonly json?: boolean
  readonly quiet?: boolean
}

/** What a corpus is to hold. */
export interface SetFlags extends EngineFlags {
  readonly out: string
  readonly root?: string
  readonly gaps: number[]
  readonly perTrack: number
  readonly seed: number
  readonly minPresence: number
  readonly minFace: number
  readonly maxYaw: number
  readonly maxPitch: number
  readonly minSharpness: number
  readonly maxResidual: number
  readonly maxOutside: number
  readonly minMotion: number
  readonly maxMotion?: number
  readonly keepDoubtful?: boolean
  readonly images: CorpusOptions['images']
  readonly pncc?: boolean
  readonly backward: boolean
  readonly shardSize: number
  readonly splits?: Record<string, number>
  readonly splitBy: SplitBy
  readonly license?: string
}

/** What `corpus` takes. */
export interface CorpusFlags extends SetFlags, WorkFlags {
  readonly shard?: string
  readonly force?: boolean
}

const { filters, ...DEFAULTS } = CORPUS_DEFAULTS
const MEGABYTE = 1e6

export function addCorpusOptions(command: Command): Command {
  addSetOptions(command)
    .option(
      '--shard <i/n>',
      'compute the i-th of n shares only (from 1), for corpus merge to join; auto and auto/n ask the variables of array jobs',
    )
    .option('--force', 'compute entries again that are complete')
  return addWorkOptions(command)
}

export function addSetOptions(command: Command): Command {
  return command
    .option('-o, --out <folder>', 'where the corpus goes', 'deepfaceflow-corpus')
    .option('--root <folder>', "folder that a manifest's paths are relative to (default: the manifest's)")
    .option('--gaps <list>', 'frames between the two of a pair', wholeNumbers, [...DEFAULTS.gaps])
    .option('--per-track <n>', 'pairs of a track, spread over the gaps', positiveInteger, DEFAULTS.perTrack)
    .option('--seed <n>', 'what the choice of pairs and splits begins with', wholeNumber, DEFAULTS.seed)
    .option(
      '--min-motion <px>',
      'leave out pairs whose mesh moves less on average',
      amount,
      DEFAULTS.minMotion,
    )
    .option('--max-motion <px>', 'leave out pairs whose mesh moves more on average', amount)
    .option('--min-face <px>', 'leave out smaller faces', amount, filters.minFace)
    .option(
      '--min-presence <p>',
      'leave out what the mesh network is less sure of',
      amount,
      filters.minPresence,
    )
    .option('--max-yaw <degrees>', 'leave out faces turned further to the side', amount, filters.maxYaw)
    .option('--max-pitch <degrees>', 'leave out faces turned further up or down', amount, filters.maxPitch)
    .option('--min-sharpness <x>', 'leave out faces that are more blurred', amount, filters.minSharpness)
    .option('--max-residual <px>', 'leave out faces that register worse', amount, filters.maxResidual)
    .option('--max-outside <share>', 'leave out faces of which more lies outside', amount, filters.maxOutside)
    .option('--keep-doubtful', 'keep pairs that exceed a check; the table says which')
    .addOption(
      new Option('--images <format>', 'of the registered frames')
        .choices(['png', 'jpeg'])
        .default(DEFAULTS.images),
    )
    .option('--pncc', 'the PNCC of A in every sample')
    .option('--no-backward', 'no flow from B to A: half the time, no occlusion, fewer checks')
    .option('--shard-size <MB>', 'size of a shard', someAmount, DEFAULT_SHARD_BYTES / MEGABYTE)
    .option('--splits <shares>', 'divide the pairs, for example train=0.9,val=0.05,test=0.05', shares)
    .addOption(
      new Option(
        '--split-by <what>',
        'what is never divided: a source (or group of the manifest), or a track',
      )
        .choices(SPLIT_BYS)
        .default(SPLIT_BYS[0]),
    )
    .option('--license <text>', 'what dataset.json says of the rights in the videos')
}

export function addWorkOptions(command: Command): Command {
  return addOutputOptions(addEngineOptions(command.option('--jobs <n>', JOBS_HELP, jobsFlag, 'auto')))
}

/** @throws FaceError INVALID_ARGUMENT */
export function entryOptions(flags: SetFlags): CorpusOptions {
  const { gaps, perTrack, seed, minMotion, maxMotion, images, backward } = flags
  return corpusOptions({
    gaps,
    perTrack,
    seed,
    minMotion,
    images,
    backward,
    ...(maxMotion !== undefined && { maxMotion }),
    keepDoubtful: flags.keepDoubtful ?? false,
    pncc: flags.pncc ?? false,
    filters: {
      minPresence: flags.minPresence,
      minFace: flags.minFace,
      maxYaw: flags.maxYaw,
      maxPitch: flags.maxPitch,
      minSharpness: flags.minSharpness,
      maxResidual: flags.maxResidual,
      maxOutside: flags.maxOutside,
    },
  })
}

export function assemblyOptions({ shardSize, splits, splitBy, seed, license }: SetFlags): AssemblyOptions {
  return {
    shardBytes: shardSize * MEGABYTE,
    splits: splits === undefined ? null : { shares: splits, by: splitBy, seed },
    license: license ?? null,
  }
}

function wholeNumbers(text: string): number[] {
  return text.split(',').map((part) => positiveInteger(part.trim() || 'nothing'))
}

function wholeNumber(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('give a whole number.')
  return value
}

function amount(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value >= 0 && Number.isFinite(value))) throw new InvalidArgumentError('give a number from 0 on.')
  return value
}

function someAmount(text: string): number {
  const value = amount(text)
  if (value === 0) throw new InvalidArgumentError('give a number above 0.')
  return value
}

function shares(text: string): Record<string, number> {
  try {
    return parseShares(text)
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error))
  }
}
