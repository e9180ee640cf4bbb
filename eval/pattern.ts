import { TEMPLATE_SIZE } from '../src/index.js'
import { mean } from './real-metrics.js'

/** What an upsampling network repeats in a flow: amplitudes of a channel at the periods of its levels, and between them. */

/** Px; each transposed convolution of stride 2 doubles the period of what it leaves. */
export const PERIODS = [8, 4, 2] as const

/** Side of the window in the middle of the frame, px. */
const WINDOW = 64
const FIRST = (TEMPLATE_SIZE - WINDOW) / 2
/** Frequencies that far from one, in 1 / `WINDOW`, hold nothing of its pattern. */
const BESIDE = 3

export interface Pattern {
  /** Root mean square over both directions and all fields, px; a period each. */
  readonly amplitudes: readonly number[]
  /** The same beside these frequencies: geometric mean of below and above, since amplitudes fall steadily. */
  readonly beside: readonly number[]
}

/** Adds up the spectra of flows whose faces cover the middle of the frame. */
export class PatternSpectrum {
  /** Powers by frequency, 0 to half of `WINDOW`. */
  readonly #powers = Array.from({ length: WINDOW / 2 + 1 }, (): number[] => [])

  /** @param flow 224x224x3 */
  add(flow: ArrayLike<number>, channel: 0 | 1 | 2): void {
    for (const frequency of PERIODS.map((period) => WINDOW / period)) {
      for (const near of [frequency - BESIDE, frequency, frequency + BESIDE]) {
        this.#powers[near]?.push(power(flow, channel, near))
      }
    }
  }

  summary(): Pattern {
    const amplitude = (frequency: number) => Math.sqrt(mean(this.#powers[frequency] ?? []))
    const frequencies = PERIODS.map((period) => WINDOW / period)
    return {
      amplitudes: frequencies.map(amplitude),
      beside: frequencies.map((f) =>
        Math.sqrt(amplitude(f - BESIDE) * amplitude(f + BESIDE > WINDOW / 2 ? f - BESIDE : f + BESIDE)),
      ),
    }
  }
}

/** Square of the amplitude of waves along x and along y, mean of both, under a Hann window. */
function power(flow: ArrayLike<number>, channel: number, frequency: number): number {
  // Means along the crests first: what is left is a signal of one dimension.
  const signals = [new Float64Array(WINDOW), new Float64Array(WINDOW)] as const
  for (let y = 0; y < WINDOW; y++) {
    for (let x = 0; x < WINDOW; x++) {
      const value = flow[3 * ((FIRST + y) * TEMPLATE_SIZE + FIRST + x) + channel] as number
      signals[0][x] = (signals[0][x] as number) + value / WINDOW
      signals[1][y] = (signals[1][y] as number) + value / WINDOW
    }
  }
  return mean(
    signals.map((signal) => {
      let [real, imaginary] = [0, 0]
      signal.forEach((value, k) => {
        const hann = (1 - Math.cos((2 * Math.PI * (k + 0.5)) / WINDOW)) / WINDOW
        real += hann * value * Math.cos((2 * Math.PI * frequency * k) / WINDOW)
        imaginary += hann * value * Math.sin((2 * Math.PI * frequency * k) / WINDOW)
      })
      return 4 * (real * real + imaginary * imaginary)
    }),
  )
}
