import { lowPassShare } from '../geometry/low-pass.js'

/**
 * The 1-euro filter (Casiez, Roussel and Vogel, "1 € filter: a simple speed-based low-pass filter for noisy input in interactive systems",
 * CHI 2012): what rests is smoothed much, what moves fast hardly, so that nothing comes late.
 */
export class OneEuroFilter {
  #value: number | undefined
  #speed = 0

  /**
   * @param cutoff Hz, of what rests
   * @param slope Hz by which the cutoff rises for each unit a second of speed
   */
  constructor(
    private readonly cutoff: number,
    private readonly slope: number,
  ) {}

  /** @param seconds since the value before */
  next(value: number, seconds: number): number {
    const before = this.#value
    if (before === undefined) {
      this.#value = value
      return value
    }
    this.#speed += lowPassShare(SPEED_CUTOFF * seconds) * ((value - before) / seconds - this.#speed)
    const rate = this.cutoff + this.slope * Math.abs(this.#speed)
    this.#value = before + lowPassShare(rate * seconds) * (value - before)
    return this.#value
  }
}

/** Hz: the speed is smoothed too. */
const SPEED_CUTOFF = 6
