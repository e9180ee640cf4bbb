import type { CorpusOptions } from './options.js'
import { rankOf } from './pair-sampler.js'
import type { FrameRow, PairRow } from './rows.js'
import type { StoredSample } from './tar-reader.js'

/** Pairs that the report shows. */
const EXAMPLES = 40

/** How often a figure lies where. */
export interface Histogram {
  readonly title: string
  readonly unit: string
  readonly low: number
  readonly high: number
  /** What lies beyond is counted in the first and the last. */
  readonly counts: number[]
  /** A limit of the filters, where there is one. */
  readonly limits: readonly number[]
}

/** A pair that the report shows. */
export interface Example {
  readonly row: PairRow
  readonly sample: StoredSample
}

const BINS = 30

/** Collects what the report shows, in memory that does not grow with the corpus. */
export class CorpusFigures {
  readonly #faces: Readonly<Record<string, Histogram>>
  readonly #pairs: Readonly<Record<string, Histogram>>
  readonly #seed: number
  #examples: (Example & { readonly rank: number })[] = []

  constructor({ filters, seed }: CorpusOptions) {
    this.#seed = seed
    const { maxYaw, maxPitch, minFace, minSharpness, maxResidual, minPresence } = filters
    this.#faces = {
      yaw: histogram('yaw', 'degrees', -90, 90, [-maxYaw, maxYaw]),
      pitch: histogram('pitch', 'degrees', -60, 60, [-maxPitch, maxPitch]),
      roll: histogram('roll', 'degrees', -90, 90),
      size: histogram('size of the face', 'px', 0, 600, [minFace]),
      sharpness: histogram('sharpness', '', 0, 1.2, [minSharpness]),
      residual: histogram('registration residual', 'px', 0, 20, [maxResidual]),
      presence: histogram('presence', '', 0, 1, [minPresence]),
    }
    this.#pairs = {
      motion: histogram('mean flow', 'px', 0, 20),
      depth: histogram('mean depth change', 'px', 0, 10),
      expression: histogram('mean expression', 'px', 0, 10),
      occluded: histogram('occluded share', '', 0, 0.3),
      photometric: histogram('photometric residual', 'grey levels', 0, 30),
      gap: histogram('gap', 'frames', 0, 60),
    }
  }

  frame({
    yaw,
    pitch,
    roll,
    box_width,
    box_height,
    sharpness,
    registration_residual,
    presence,
  }: FrameRow): void {
    if (box_width === null) return
    count(this.#faces.yaw, yaw)
    count(this.#faces.pitch, pitch)
    count(this.#faces.roll, roll)
    count(this.#faces.size, Math.max(box_width, box_height ?? 0))
    count(this.#faces.sharpness, sharpness)
    count(this.#faces.residual, registration_residual)
    count(this.#faces.presence, presence)
  }

  pair(row: PairRow, sample: StoredSample): void {
    count(this.#pairs.motion, row.mean_flow)
    count(this.#pairs.depth, row.mean_depth_change)
    count(this.#pairs.expression, row.mean_expression)
    count(this.#pairs.occluded, row.occluded_share)
    count(this.#pairs.photometric, row.photometric_after)
    count(this.#pairs.gap, row.gap)
    const rank = rankOf('example', this.#seed, row.key)
    if (this.#examples.length === EXAMPLES && rank > (this.#examples.at(-1)?.rank ?? 0)) return
    this.#examples = [...this.#examples, { row, sample, rank }]
      .sort((a, b) => a.rank - b.rank)
      .slice(0, EXAMPLES)
  }

  get histograms(): readonly Histogram[] {
    return [...Object.values(this.#faces), ...Object.values(this.#pairs)]
  }

  /** In the order of their names. */
  get examples(): readonly Example[] {
    return [...this.#examples].sort((a, b) => (a.row.key < b.row.key ? -1 : 1))
  }
}

function histogram(
  title: string,
  unit: string,
  low: number,
  high: number,
  limits: readonly number[] = [],
): Histogram {
  return { title, unit, low, high, counts: Array(BINS).fill(0), limits }
}

function count(into: Histogram | undefined, value: number | null): void {
  if (into === undefined || value === null) return
  const { low, high, counts } = into
  const bin = Math.min(BINS - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * BINS)))
  counts[bin] = (counts[bin] ?? 0) + 1
}
