import type { PhotometricResidual } from './residual.js'

/** What the mesh network makes of a registered frame. */
export interface RegisteredFace {
  /** Probability that it is a face. */
  readonly presence: number
  /** Mean distance of its 68 landmarks from the template's, template px. */
  readonly offset: number
}

/** The same, and what else is measured on the frame. */
export interface FaceFigures extends RegisteredFace {
  /** Turned against the camera, degrees. */
  readonly yaw: number
  readonly pitch: number
  /** See `sharpness`; undefined where it cannot be told. */
  readonly sharpness: number | undefined
}

/** What is measured on a registered pair. What takes the mesh of B or the way back is undefined without. */
export interface PairFigures {
  /** A first; of A alone where nothing looks at the mesh of B. */
  readonly faces: readonly FaceFigures[]
  /** See `unlikeness` of the faces' looks. */
  readonly unlikeness: number | undefined
  /** See `sharedView`. */
  readonly sharedView: number | undefined
  /** Share of the face of A that is hidden in B. */
  readonly hidden: number | undefined
  readonly photometric: PhotometricResidual
}

/** What a {@link PairCheck} looks at. */
export type PairCheckCode =
  /** Presence of a face in a registered frame; a probability. */
  | 'NO_FACE_IN_FRAME'
  /** Distance of the landmarks from the template's, px. */
  | 'REGISTRATION'
  /** Yaw against the camera without its sign, degrees. */
  | 'YAW'
  /** Pitch against the camera without its sign, degrees. */
  | 'PITCH'
  /** Fine detail over coarser, see docs/cli.md. */
  | 'BLUR'
  /** How unlike the two faces look, see docs/cli.md. */
  | 'IDENTITY'
  /** Share of the faces that both frames show. */
  | 'OVERLAP'
  /** Share of the face of A that B hides. */
  | 'HIDDEN'
  /** Photometric residual after the flow, exposure matched, grey levels; its limit is that without flow. */
  | 'RESIDUAL'

/** One thing that was measured on a pair to tell whether its flow can be trusted. */
export interface PairCheck {
  readonly code: PairCheckCode
  /** The frame that it is about; absent where it is about the pair. */
  readonly frame?: 'A' | 'B'
  readonly value: number
  readonly limit: number
  /** Whether the value lies on the wrong side of the limit, which `warnings` says in a sentence. */
  readonly exceeded: boolean
}

/*
 * Limits. They are set on photos and clips, so that at most 1 % of the good pairs warn; `eval/warnings.ts` measures them and docs/cli.md
 * has the figures.
 */

/** Faces have 0.999 and more, solid colours, noise and textures at most 0.5. */
const MIN_PRESENCE = 0.9
/** Registered faces lie at 3 to 9 px, profiles further; the same photos unregistered at 12 and more. */
const MAX_OFFSET = 11
const MAX_YAW = 36
const MAX_PITCH = 25
/** Photos blurred by 3 px of the template and more lie below. */
const MIN_SHARPNESS = 0.44
/** Of two faces of one person. */
export const MAX_UNLIKENESS = 0.12
/** Beyond this yaw of either face their looks say nothing. */
export const MAX_YAW_OF_LOOKS = 30
const MIN_SHARED_VIEW = 0.5
const MAX_HIDDEN = 0.15
/** Grey levels: below this residual the frames are alike but for noise. */
const NOISE = 4

/** A check and the sentence for the case that it is exceeded. */
interface Judgement {
  readonly check: PairCheck
  readonly sentence: string
}

/** All checks of a registered pair, and a sentence for each that speaks against the flow. */
export function judgePair(figures: PairFigures): {
  readonly checks: readonly PairCheck[]
  readonly warnings: readonly string[]
} {
  const judgements = [
    ...figures.faces.flatMap((face, index) => judgeFace(face, index === 0 ? 'A' : 'B')),
    ...judgeBoth(figures),
    judgeResidual(figures.photometric),
  ]
  return {
    checks: judgements.map(({ check }) => check),
    warnings: judgements.flatMap(({ check, sentence }) => (check.exceeded ? [sentence] : [])),
  }
}

function judgeFace(face: FaceFigures, frame: 'A' | 'B'): Judgement[] {
  const { presence, offset, sharpness } = face
  const [yaw, pitch] = [Math.abs(face.yaw), Math.abs(face.pitch)]
  const isFace = presence >= MIN_PRESENCE
  const judgements = [
    judged(
      { code: 'NO_FACE_IN_FRAME', frame, value: presence, limit: MIN_PRESENCE, exceeded: !isFace },
      `frame ${frame}: the mesh network sees no face in the registered picture (presence ${presence.toFixed(2)}, of a face ` +
        'above 0.99); the flow is that of something else.',
    ),
  ]
  // Of what is no face the rest says nothing.
  if (!isFace) return judgements
  judgements.push(
    judged(
      { code: 'REGISTRATION', frame, value: offset, limit: MAX_OFFSET, exceeded: !(offset <= MAX_OFFSET) },
      `frame ${frame}: the face lies ${offset.toFixed(1)} px from its place in the template (3 to 9 px are usual): it is not ` +
        'registered or turned far; the flow may be a guess.',
    ),
    judged(
      { code: 'YAW', frame, value: yaw, limit: MAX_YAW, exceeded: !(yaw <= MAX_YAW) },
      `frame ${frame}: the face is turned to the side by ${yaw.toFixed(0)} degrees (the flow is made for up to ${MAX_YAW}); what the ` +
        'picture hides is a guess.',
    ),
    judged(
      { code: 'PITCH', frame, value: pitch, limit: MAX_PITCH, exceeded: !(pitch <= MAX_PITCH) },
      `frame ${frame}: the face is seen from ${face.pitch > 0 ? 'above' : 'below'} by ${pitch.toFixed(0)} degrees (the flow is made for up to ` +
        `${MAX_PITCH}); the flow may be a guess.`,
    ),
  )
  if (sharpness !== undefined) {
    judgements.push(
      judged(
        {
          code: 'BLUR',
          frame,
          value: sharpness,
          limit: MIN_SHARPNESS,
          exceeded: !(sharpness >= MIN_SHARPNESS),
        },
        `frame ${frame}: the face is blurred (sharpness ${sharpness.toFixed(2)}, of photos ${MIN_SHARPNESS} and more); motion of a few ` +
          'pixels does not show in it.',
      ),
    )
  }
  return judgements
}

function judgeBoth({ faces, unlikeness, sharedView, hidden }: PairFigures): Judgement[] {
  const judgements: Judgement[] = []
  const areFrontal = faces.every(({ yaw }) => Math.abs(yaw) <= MAX_YAW_OF_LOOKS)
  if (unlikeness !== undefined && areFrontal) {
    judgements.push(
      judged(
        {
          code: 'IDENTITY',
          value: unlikeness,
          limit: MAX_UNLIKENESS,
          exceeded: !(unlikeness <= MAX_UNLIKENESS),
        },
        `The two faces look unlike (${unlikeness.toFixed(2)}, of one person below ${MAX_UNLIKENESS}): two people, or something covers ` +
          'one of them; the flow between them is no motion.',
      ),
    )
  }
  if (sharedView !== undefined) {
    const percent = `${(100 * sharedView).toFixed(0)} %`
    judgements.push(
      judged(
        {
          code: 'OVERLAP',
          value: sharedView,
          limit: MIN_SHARED_VIEW,
          exceeded: !(sharedView >= MIN_SHARED_VIEW),
        },
        `The pictures show different sides of the face: both show ${percent} of it (needed ${100 * MIN_SHARED_VIEW} %); the flow of the ` +
          'rest is a guess.',
      ),
    )
  }
  if (hidden !== undefined) {
    judgements.push(
      judged(
        { code: 'HIDDEN', value: hidden, limit: MAX_HIDDEN, exceeded: !(hidden <= MAX_HIDDEN) },
        `${(100 * hidden).toFixed(0)} % of the face of A is hidden in B or looks different there (usual are up to ${100 * MAX_HIDDEN} %); ` +
          'the flow there is a guess.',
      ),
    )
  }
  return judgements
}

function judgeResidual({ exposureMatched: { before, after } }: PhotometricResidual): Judgement {
  const limit = Math.max(before, NOISE)
  const [from, to] = [before.toFixed(1), after.toFixed(1)]
  const change = from === to ? `stays at ${to}` : `grows from ${from} to ${to}`
  return judged(
    { code: 'RESIDUAL', value: after, limit, exceeded: after > limit },
    `The flow does not make B look like A: the photometric residual ${change} grey levels; the flow may be a guess.`,
  )
}

function judged(check: PairCheck, sentence: string): Judgement {
  return { check, sentence }
}
