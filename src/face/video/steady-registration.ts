import { lowPassShare } from '../../geometry/low-pass.js'
import {
  applySimilarity,
  composeSimilarity,
  fitSimilarity,
  invertSimilarity,
  similarityScale,
} from '../../geometry/similarity.js'
import { type Similarity, TEMPLATE_SIZE } from '../../geometry/types.js'

/**
 * Where a tracked face is registered, without the tremble of its landmarks: a 1-euro filter (Casiez, Roussel and Vogel, "1 euro
 * filter: a simple speed-based low-pass filter for noisy input in interactive systems", CHI 2012) on place, size and angle. What
 * it leaves of a motion is in the flow, whose frame the registration is: nothing comes late.
 */
export interface SteadyRegistration {
  /** Weighted to plain registration: of the reference, which is registered as any photo is. */
  readonly offset: Similarity
  /** As measured in the last frame, before it is steadied. */
  readonly measured: Similarity
  /** Photo px -> template px, in use. */
  readonly toTemplate: Similarity
  /** Of the measured registration, template px a frame, low-passed: right, down, growth and turn at `ARM`. */
  readonly speed: Motion
}

type Motion = readonly [number, number, number, number]

/** Lips and jaw move with every word, and the jaw's landmarks lie where the network is least sure: by part of the 68. */
const WEIGHTS = Float64Array.from({ length: 68 }, (_, i) => (i < 17 ? 0.3 : i < 48 ? 1 : 0.2))
/** Growth and turn are lengths at this distance from the middle, template px: about that of the eyes. */
const ARM = 80
/** Cut-off of a face at rest, cycles a frame, and what each template px a frame adds. */
const REST = 0.05
const PER_SPEED = 0.1
/** Cut-off of the speeds, cycles a frame. */
const SPEED_CUTOFF = 0.2
/** The registration in use is never further from the measured one, template px. */
const MAX_OFFSET = 2

/**
 * @param points 68x2 of the reference, photo px
 * @param template 68x2, template px
 */
export function startRegistration(points: Float32Array, template: Float32Array): SteadyRegistration {
  const plain = fitSimilarity(points, template)
  const offset = composeSimilarity(plain, invertSimilarity(fitSimilarity(points, template, WEIGHTS)))
  return { offset, measured: plain, toTemplate: plain, speed: [0, 0, 0, 0] }
}

/**
 * @param points 68x2 of the next frame, photo px
 * @param template 68x2, template px
 * @param follows false after a cut: the frames before say nothing of where the face is
 */
export function nextRegistration(
  last: SteadyRegistration,
  points: Float32Array,
  template: Float32Array,
  follows: boolean,
): SteadyRegistration {
  const { offset } = last
  const measured = composeSimilarity(offset, fitSimilarity(points, template, WEIGHTS))
  if (!follows) return { offset, measured, toTemplate: measured, speed: [0, 0, 0, 0] }
  const step = motionBetween(last.measured, measured)
  // The same picture again: it is registered as it was, bit for bit, so that nothing moves in it.
  if (step.every((length) => Math.abs(length) < SAME)) return last
  const speed = step.map((value, i) => {
    const before = last.speed[i] as number
    return before + lowPassShare(SPEED_CUTOFF) * (value - before)
  }) as unknown as Motion
  const pace = Math.hypot(speed[0], speed[1])
  const gains = [pace, pace, Math.abs(speed[2]), Math.abs(speed[3])].map((v) =>
    lowPassShare(REST + PER_SPEED * v),
  )
  const behind = motionBetween(measured, last.toTemplate)
  const left = behind.map((value, i) => value * (1 - (gains[i] as number)))
  const share = Math.min(1, MAX_OFFSET / Math.max(Math.hypot(...left), 1e-9))
  const toTemplate = movedBy(measured, left.map((value) => value * share) as unknown as Motion)
  return { offset, measured, toTemplate, speed }
}

/** Rounding of the fit, template px. */
const SAME = 1e-9

const MIDDLE = TEMPLATE_SIZE / 2

/** How the template's middle, size and angle lie otherwise in the photo by `b` than by `a`, in template px of `a`. */
function motionBetween(a: Similarity, b: Similarity): Motion {
  const [x, y] = applySimilarity(invertSimilarity(b), MIDDLE, MIDDLE)
  const [u, v] = applySimilarity(a, x, y)
  const turned = Math.atan2(a.b * b.a - a.a * b.b, a.a * b.a + a.b * b.b)
  return [u - MIDDLE, v - MIDDLE, ARM * Math.log(similarityScale(a) / similarityScale(b)), ARM * turned]
}

/** The similarity that lies so far from `a`: the inverse of `motionBetween`. */
function movedBy(a: Similarity, [right, down, growth, turn]: Motion): Similarity {
  const scale = Math.exp(growth / ARM)
  const [c, s] = [scale * Math.cos(turn / ARM), scale * Math.sin(turn / ARM)]
  // Of template px by the new one to template px by `a`.
  const back: Similarity = {
    a: c,
    b: s,
    tx: MIDDLE + right - (c * MIDDLE - s * MIDDLE),
    ty: MIDDLE + down - (s * MIDDLE + c * MIDDLE),
  }
  return composeSimilarity(invertSimilarity(back), a)
}
