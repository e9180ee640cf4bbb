import { type Cover, coversOf } from '../animate/covered-parts.js'
import { sideTurn } from '../animate/photo-head.js'
import { FaceError } from '../errors.js'
import { unlikeness } from '../face/look/look.js'
import type { FaceFrame } from '../face/types.js'
import { READ_COEFFICIENTS } from '../nets/coefficients.js'
import { MAX_UNLIKENESS, MAX_YAW_OF_LOOKS } from '../products/warnings.js'
import { eyeGaze } from './eye-gaze.js'
import type { FaceReader, FaceReading, KnownOfFrame, SeenMesh } from './face-reader.js'
import { headPose } from './head-pose.js'
import { hiddenBy } from './hidden-parts.js'
import { withLidOpenings } from './lid-opening.js'
import { withLipGap } from './lip-opening.js'
import { COEFFICIENT_NAMES, type CoefficientName } from './names.js'
import type { Coefficients, Expression } from './types.js'

/** Turn to the side, degrees, beyond which half of the face is not in the photo. */
const LARGEST_SIDE_TURN = 50
/** Beyond this turn, degrees, coefficients are said to be unsure. */
const WIDE_TURN = 30
/** Confidence of the mesh network below which it is said to doubt the face. */
const LEAST_PRESENCE = 0.5
/** Width of the face, px, below which lids and lips have too few pixels. */
const SMALL = 60

/** A person who is said to be at rest may do so much of something and is believed; more would leave nothing to be told against it. */
const LARGEST_ZERO = 0.6

/** What expressions are read with. */
export interface ReadingMeans {
  readonly reader: FaceReader
  readonly fieldOfView?: number
  readonly rest?: PersonAtRest
}

/** Whom coefficients are told against. */
export interface PersonAtRest {
  /** What messages call the picture. */
  readonly name: string
  readonly features: Float32Array
  /** Of the person against themselves, which stands for 0. */
  readonly coefficients: Float32Array
  /** What covers it: of that nothing can be told against it. */
  readonly covers: readonly NamedCover[]
  /** To tell whether it is the same person. */
  readonly seen: SeenPerson
}

interface NamedCover extends Cover {
  /** What messages call the picture. */
  readonly name: string
}

type SeenPerson = Pick<FaceReading, 'mesh' | 'yaw'> & Pick<FaceFrame, 'registered'>

/** @throws FaceError INVALID_INPUT for a face that is seen from the side */
export async function readPersonAtRest(
  reader: FaceReader,
  face: FaceFrame,
  name: string,
  known?: SeenMesh,
): Promise<PersonAtRest> {
  assertNoProfile(face, name)
  const { registered } = face
  const seen = await readFace(reader, face, known && { seen: known })
  const { features, mesh, yaw } = seen
  const { coefficients } = await readFace(reader, face, { rest: features, seen })
  return {
    name,
    features,
    coefficients,
    covers: named(coversOf(face), name),
    seen: { registered, mesh, yaw },
  }
}

/** What is known of a face before it is read. */
export interface ReadingHints {
  /** Whether {@link tellsWhose} held of a reading before, and it was asked if that is the person at rest, which costs more than all else here on the processor. */
  readonly isAsked?: boolean
  /** What lies over the face, where that is watched along a video. */
  readonly covers?: readonly Cover[]
  readonly seen?: SeenMesh | undefined
}

/**
 * The expression of a face that was found.
 * @throws FaceError INVALID_INPUT for a face that is seen from the side
 */
export async function readExpression(
  means: ReadingMeans,
  face: FaceFrame,
  name: string,
  { isAsked = false, covers: seenCovers = coversOf(face), seen }: ReadingHints = {},
): Promise<Expression> {
  const { reader, fieldOfView, rest } = means
  assertNoProfile(face, name)
  const reading = await readFace(reader, face, {
    ...(rest && { rest: rest.features }),
    ...(seen && { seen }),
  })
  const { presence } = reading
  const covers = [...named(seenCovers, name), ...(rest?.covers ?? [])]
  const unread = [...reader.unseen(rest !== undefined), ...covers.flatMap(({ part }) => hiddenBy(part))]
  const pose = headPose(reading, face, fieldOfView)
  const gaze = eyeGaze(face, pose)
  return {
    coefficients: coefficientsOf(reading, unread, rest?.coefficients),
    unseen: COEFFICIENT_NAMES.filter((coefficient) => isUnseen(coefficient, unread)),
    isRelative: rest !== undefined,
    gaze: covers.some(({ part }) => part === 'eyes') ? { ...gaze, confidence: 0 } : gaze,
    pose,
    confidence: presence,
    face,
    warnings: [
      ...warningsOf(face, reading, name),
      ...covers.map(warningOfCover),
      ...(rest && !isAsked ? warningOfAnother(face, reading, name, rest) : []),
    ],
  }
}

/** What the networks read of a face, its jaw and its half blinks as lips and lids say. */
export async function readFace(
  reader: FaceReader,
  { registered, landmarks468 }: FaceFrame,
  known: KnownOfFrame = {},
): Promise<FaceReading> {
  const reading = await reader.read(registered, known)
  return {
    ...reading,
    coefficients: withLidOpenings(withLipGap(reading.coefficients, landmarks468), landmarks468),
  }
}

/** @param rest what counts as 0 */
function coefficientsOf(
  { coefficients, confidence }: FaceReading,
  unseen: readonly string[],
  rest: Float32Array | undefined,
): Coefficients {
  return Object.fromEntries(
    COEFFICIENT_NAMES.map((name) => {
      const at = (READ_COEFFICIENTS as readonly string[]).indexOf(name)
      // Where the eyes look is no trait of a face.
      const zero = name.startsWith('eyeLook') ? 0 : Math.min(rest?.[at] ?? 0, LARGEST_ZERO)
      const value = Math.max(0, ((coefficients[at] as number) - zero) / (1 - zero))
      const seen = { value, confidence: confidence[at] as number }
      return [name, isUnseen(name, unseen) ? { value: null, confidence: 0 } : seen]
    }),
  ) as unknown as Coefficients
}

/** The tongue is in no training picture. */
function isUnseen(name: CoefficientName, unseen: readonly string[]): boolean {
  return name === 'tongueOut' || unseen.includes(name)
}

function named(covers: readonly Cover[], name: string): NamedCover[] {
  return covers.map((cover) => ({ ...cover, name }))
}

function warningOfCover({ name, part, told }: NamedCover): string {
  return (
    `${name}: something seems to cover the ${part} (${told}); coefficients of the ${part} have no value; ` +
    `give a picture with the ${part} free.`
  )
}

/** By the landmark network: the coefficient network knows no profiles. */
function assertNoProfile({ landmarks468 }: FaceFrame, name: string): void {
  const turn = sideTurn(landmarks468)
  if (Math.abs(turn) <= LARGEST_SIDE_TURN) return
  throw new FaceError(
    'INVALID_INPUT',
    `${name}: the face is turned to the side by ${Math.abs(turn).toFixed(0)} degrees, at most ${LARGEST_SIDE_TURN} can be read, ` +
      'because the far side is not in the picture; give a picture from nearer the front',
    { photo: name, turn, limit: LARGEST_SIDE_TURN },
  )
}

/** Whether a face that is turned so tells whose it is. @param yaw of its reading, degrees */
export function tellsWhose(yaw: number): boolean {
  return Math.abs(yaw) <= MAX_YAW_OF_LOOKS
}

/** By the check `IDENTITY` of pairs: of another person nothing that is subtracted is right. */
function warningOfAnother(
  { registered }: FaceFrame,
  { mesh, yaw }: FaceReading,
  name: string,
  { name: restName, seen }: PersonAtRest,
): string[] {
  if (!tellsWhose(yaw) || !tellsWhose(seen.yaw)) return []
  const figure = unlikeness([seen.registered, registered], [seen.mesh, mesh])
  if (figure <= MAX_UNLIKENESS) return []
  return [
    `${name}: the face looks unlike the one at rest in ${restName} (${figure.toFixed(2)}, of one person below ${MAX_UNLIKENESS}); ` +
      'coefficients hold only against the same person.',
  ]
}

function warningsOf({ box }: FaceFrame, { yaw, pitch, presence }: FaceReading, name: string): string[] {
  const warnings: string[] = []
  const turn = Math.hypot(yaw, pitch)
  if (turn > WIDE_TURN) {
    warnings.push(
      `${name}: the face is turned from the camera by ${turn.toFixed(0)} degrees, beyond ${WIDE_TURN} coefficients are unsure; ` +
        'use a picture from nearer the front.',
    )
  }
  if (presence < LEAST_PRESENCE) {
    warnings.push(
      `${name}: the mesh network doubts the face (confidence ${presence.toFixed(2)}, of a clear one ${LEAST_PRESENCE} and more); ` +
        'coefficients and pose may be guesses.',
    )
  }
  const side = Math.max(box.width, box.height)
  if (side < SMALL) {
    warnings.push(
      `${name}: the face is ${side.toFixed(0)} px wide, lids and lips need ${SMALL} and more to be read well; use a larger picture.`,
    )
  }
  return warnings
}
