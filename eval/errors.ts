/** Errors of flows against the truth, over all pixels of a set; template px. */
export interface ErrorSummary {
  readonly epe3d: number
  readonly epe2d: number
  readonly dz: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  /** Share of visible pixels with a 3D error above 3 px. */
  readonly outliers: number
  readonly occluded_epe3d: number
  readonly occluded_epe2d: number
  readonly occluded_share: number
}

/** How well a map of what is hidden agrees with the truth. */
export interface OcclusionSummary {
  /** Share of the pixels called hidden that are. */
  readonly precision: number
  /** Share of the hidden pixels that are called so. */
  readonly recall: number
}

/** Counts pixels of the truth that are visible or occluded. */
export class OcclusionCounts {
  #right = 0
  #called = 0
  #hidden = 0

  add(isCalledHidden: boolean, state: number): void {
    if (state !== STATE.visible && state !== STATE.occluded) return
    const isHidden = state === STATE.occluded
    if (isCalledHidden) this.#called++
    if (isHidden) this.#hidden++
    if (isCalledHidden && isHidden) this.#right++
  }

  summary(): OcclusionSummary {
    return { precision: this.#right / this.#called, recall: this.#right / this.#hidden }
  }
}

/** Pixels whose confidence lies in one tenth of [0, 1]. */
export interface CalibrationBin {
  /** Of all pixels. */
  readonly share: number
  /** Mean confidence. */
  readonly confidence: number
  /** Share of them whose error in the plane is below 1 px. */
  readonly right: number
}

/** How far a confidence is the share of pixels that are right. */
export interface CalibrationSummary {
  /** By confidence; NaN where there is none. */
  readonly bins: readonly CalibrationBin[]
  /** Mean over all pixels of the difference between confidence and share in their bin. */
  readonly error: number
}

const CALIBRATION_BINS = 10

/** Sets confidences of pixels that are visible or occluded against errors. */
export class Calibration {
  readonly #bins = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, confidence: 0, right: 0 }))

  /** @param error in the plane, px */
  add(confidence: number, error: number, state: number): void {
    if (state !== STATE.visible && state !== STATE.occluded) return
    const index = Math.min(CALIBRATION_BINS - 1, Math.floor(CALIBRATION_BINS * confidence))
    const bin = this.#bins[index]
    if (bin === undefined) return
    bin.count++
    bin.confidence += confidence
    if (error < 1) bin.right++
  }

  summary(): CalibrationSummary {
    const all = this.#bins.reduce((sum, { count }) => sum + count, 0)
    const bins = this.#bins.map(({ count, confidence, right }) => ({
      share: count / all,
      confidence: confidence / count,
      right: right / count,
    }))
    const error = bins.reduce(
      (sum, { share, confidence, right }) => sum + (share > 0 ? share * Math.abs(confidence - right) : 0),
      0,
    )
    return { bins, error }
  }
}

/** What a pixel of the truth is. */
export const STATE = { background: 0, visible: 1, occluded: 2, behindOccluder: 3 } as const

/** 3D errors above this count as outliers, px. */
const OUTLIER = 3

export class FlowErrors {
  readonly #visible: { e3: number[]; e2: number[]; dz: number[] } = { e3: [], e2: [], dz: [] }
  readonly #occluded: { e3: number[]; e2: number[] } = { e3: [], e2: [] }

  /** One pixel: the error vector and what the pixel is. */
  add(dx: number, dy: number, dz: number, state: number): void {
    const e3 = Math.hypot(dx, dy, dz)
    const e2 = Math.hypot(dx, dy)
    if (state === STATE.visible) {
      this.#visible.e3.push(e3)
      this.#visible.e2.push(e2)
      this.#visible.dz.push(Math.abs(dz))
    } else if (state === STATE.occluded) {
      this.#occluded.e3.push(e3)
      this.#occluded.e2.push(e2)
    }
  }

  summary(): ErrorSummary {
    const { e3, e2, dz } = this.#visible
    const sorted = Float64Array.from(e3).sort()
    const count = e3.length + this.#occluded.e3.length
    return {
      epe3d: mean(e3),
      epe2d: mean(e2),
      dz: mean(dz),
      p50: percentile(sorted, 0.5),
      p90: percentile(sorted, 0.9),
      p99: percentile(sorted, 0.99),
      outliers: e3.filter((e) => e > OUTLIER).length / e3.length,
      occluded_epe3d: mean(this.#occluded.e3),
      occluded_epe2d: mean(this.#occluded.e2),
      occluded_share: this.#occluded.e3.length / count,
    }
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Linear interpolation between the two nearest ranks. */
export function percentile(sorted: Float64Array, share: number): number {
  const rank = share * (sorted.length - 1)
  const low = sorted[Math.floor(rank)] ?? Number.NaN
  const high = sorted[Math.ceil(rank)] ?? Number.NaN
  return low + (high - low) * (rank - Math.floor(rank))
}
