import { FaceError } from '../errors.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Extent } from '../nets/face-extent.js'
import type { Refinement } from '../nets/refinement.js'
import { checkOptionNames, type OptionNames } from '../option-names.js'

/** Which faces of which frames may enter a corpus. Lengths in px, angles in degrees without their sign. */
export interface FrameFilters {
  /** Presence of a face in [0, 1], by the mesh network. */
  readonly minPresence: number
  /** Longer side of the face's box, brows to chin, photo px. */
  readonly minFace: number
  readonly maxYaw: number
  readonly maxPitch: number
  /** See `sharpness` in docs/corpus.md: fine detail over coarser. */
  readonly minSharpness: number
  /** Mean distance of the 68 landmarks from the template's, template px. */
  readonly maxResidual: number
  /** Share of the mesh that lies outside the picture. */
  readonly maxOutside: number
}

/** What is computed of each entry: all of it decides the content of its samples and tables. */
export interface CorpusOptions {
  readonly filters: FrameFilters
  /** Distances in frames between the two frames of a pair, each at least 1. */
  readonly gaps: readonly number[]
  /** Pairs of a track at most, spread evenly over the gaps. */
  readonly perTrack: number
  /** Whole number that the choice of pairs, and of splits, begins with. */
  readonly seed: number
  /** Mean length of the motion of the mesh's 468 vertices in the registered frames, template px. */
  readonly minMotion: number
  readonly maxMotion: number
  /** Whether pairs that exceed a check (docs/cli.md) are kept; they say so in `exceeded`. */
  readonly keepDoubtful: boolean
  /** How I1 and I2 are written; `jpeg` with quality 95, which the flow was not computed from. */
  readonly images: 'png' | 'jpeg'
  /** Whether samples hold the PNCC of A. */
  readonly pncc: boolean
  /** Whether the flow from B to A is computed: occlusion, and the checks that need it. */
  readonly backward: boolean
}

/** What corpora are made with unless told otherwise; the limits of faces are those of the package's own checks. */
export const CORPUS_DEFAULTS: CorpusOptions = {
  filters: {
    minPresence: 0.9,
    minFace: 64,
    maxYaw: 36,
    maxPitch: 25,
    minSharpness: 0.44,
    maxResidual: 11,
    maxOutside: 0.05,
  },
  gaps: [1, 5, 25],
  perTrack: 12,
  seed: 1,
  minMotion: 0,
  maxMotion: Number.MAX_SAFE_INTEGER,
  keepDoubtful: false,
  images: 'png',
  pncc: false,
  backward: true,
}

const NAMES: OptionNames<CorpusOptions> = {
  filters: true,
  gaps: true,
  perTrack: true,
  seed: true,
  minMotion: true,
  maxMotion: true,
  keepDoubtful: true,
  images: true,
  pncc: true,
  backward: true,
}

const FILTER_NAMES: OptionNames<FrameFilters> = {
  minPresence: true,
  minFace: true,
  maxYaw: true,
  maxPitch: true,
  minSharpness: true,
  maxResidual: true,
  maxOutside: true,
}

/** A pair must fit into what is remembered of a track: at 200 kB a frame this is 200 MB. */
export const LARGEST_GAP = 1000
/** Pairs of a track, which all wait in memory until it ends: at 400 kB a pair this is 800 MB for each gap. */
export const MOST_PER_TRACK = 2000

/**
 * Options with defaults filled in.
 * @throws FaceError INVALID_ARGUMENT naming what is wrong
 */
export function corpusOptions(
  given: Partial<Omit<CorpusOptions, 'filters'>> & { readonly filters?: Partial<FrameFilters> } = {},
): CorpusOptions {
  checkOptionNames('corpus', given as Partial<CorpusOptions>, NAMES, FaceError)
  checkOptionNames('filters of a corpus', given.filters ?? {}, FILTER_NAMES, FaceError)
  const options: CorpusOptions = {
    ...CORPUS_DEFAULTS,
    ...given,
    gaps: [...new Set(given.gaps ?? CORPUS_DEFAULTS.gaps)].sort((a, b) => a - b),
    filters: { ...CORPUS_DEFAULTS.filters, ...given.filters },
  }
  const fail = (what: string) => new FaceError('INVALID_ARGUMENT', `corpus: ${what}`)
  const isCount = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most
  if (options.gaps.length === 0 || !options.gaps.every((gap) => isCount(gap, LARGEST_GAP))) {
    throw fail(`gaps are whole numbers of frames from 1 to ${LARGEST_GAP}, got ${String(given.gaps)}`)
  }
  if (!isCount(options.perTrack, MOST_PER_TRACK)) {
    throw fail(`perTrack is a whole number from 1 to ${MOST_PER_TRACK}, got ${String(options.perTrack)}`)
  }
  if (!Number.isSafeInteger(options.seed)) throw fail(`seed is a whole number, got ${String(options.seed)}`)
  if (options.images !== 'png' && options.images !== 'jpeg') {
    throw fail(`images are png or jpeg, got ${String(options.images)}`)
  }
  const { minMotion, maxMotion } = options
  for (const [name, value] of Object.entries({ ...options.filters, minMotion, maxMotion })) {
    if (typeof value === 'number' && value >= 0) continue
    throw fail(`${name} is a number from 0 on, got ${String(value)}`)
  }
  if (minMotion > maxMotion)
    throw fail(`minMotion is ${minMotion}, above maxMotion, ${maxMotion}: no pair would be left`)
  return options
}

/** What computes a corpus, beside its options: entries of another engine, or of other weights, are other entries. */
export interface CorpusEngine {
  readonly weights: { readonly name: string; readonly hash: string; readonly depthHash: string | null }
  readonly depthSource: DepthSource
  readonly refinement: Refinement
  /** How far the face reaches in mask and flow. */
  readonly extent: Extent
}
