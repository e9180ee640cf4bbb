import type { PhotometricResidual } from './residual.js'

/** What the mesh network makes of a registered frame. */
export interface RegisteredFace {
  /** Probability that it is a face. */
  readonly presence: number
  /** Mean distance of its 68 landmarks from the template's, template px. */
  readonly offset: number
}

/** Faces have 0.999 and more, solid colours, noise and textures at most 0.5. */
const MIN_PRESENCE = 0.9
/** Registered faces lie at 3 to 9 px, profiles further; the same photos unregistered at 12 and more. */
const MAX_OFFSET = 11
/** Grey levels: below this residual the frames are alike but for noise. */
const NOISE = 4

/** What speaks against the flow of a registered pair, one sentence each. */
export function flowWarnings(
  faces: readonly RegisteredFace[],
  { before, after }: PhotometricResidual,
): string[] {
  const warnings: string[] = []
  faces.forEach(({ presence, offset }, index) => {
    const frame = `frame ${index === 0 ? 'A' : 'B'}`
    if (!(presence >= MIN_PRESENCE)) {
      warnings.push(
        `${frame}: the mesh network sees no face in the registered picture (presence ${presence.toFixed(2)}, of a face ` +
          'above 0.99); the flow is that of something else.',
      )
    } else if (!(offset <= MAX_OFFSET)) {
      warnings.push(
        `${frame}: the face lies ${offset.toFixed(1)} px from its place in the template (3 to 9 px are usual): it is not ` +
          'registered or turned far; the flow may be a guess.',
      )
    }
  })
  if (after > before && after > NOISE) {
    const [from, to] = [before.toFixed(1), after.toFixed(1)]
    const change = from === to ? `stays at ${to}` : `grows from ${from} to ${to}`
    warnings.push(
      `The flow does not make B look like A: the photometric residual ${change} grey levels; the flow may be a guess.`,
    )
  }
  return warnings
}
