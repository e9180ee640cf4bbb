import { FaceError } from '../errors.js'
import { at } from '../geometry/array.js'
import { rotate } from '../geometry/rotation.js'
import { applySimilarity3, fitSimilarity3, invertSimilarity3 } from '../geometry/similarity3.js'
import { MESH_VERTICES, type Similarity3 } from '../geometry/types.js'
import { EYES, type Eye, LIPS } from './face-parts.js'
import { type Gaze, gazesOf, irisBehind, irisesUnmoved } from './gaze.js'
import { deepened } from './head-depth.js'
import { eyeDistance, eyeOpenings, mouthOpening } from './openings.js'
import { meanOf, subtract, type Vector } from './points.js'
import { poseWeights } from './pose-weights.js'
import { STILL_SURROUND, type Surround } from './surround.js'

/** A driver's face in one picture; all in px of that picture. */
export interface SeenFace {
  /** 468x3: in the reference the mesh of the flow, in other pictures that mesh moved by the flow. */
  readonly mesh: ArrayLike<number>
  /** 468x3 of the attention network, which looks closely at lips and lids. */
  readonly landmarks: ArrayLike<number>
  /** 10x2, see `FaceFrame.irises`. */
  readonly irises: ArrayLike<number>
  /** Of both eyes, see `eyeOpening`; without it, those of the landmarks. */
  readonly eyeOpenings?: readonly [number, number]
  /** Of the picture against the reference, see `skinLight`; none for the reference itself. */
  readonly light?: Float32Array
}

/** How a head moved from a reference picture to another, in units of its own size: what another head can take over. */
export interface HeadMotion {
  /** 3x3 row-major, about the middle of the face; axes of the picture (x right, y down, z away). */
  readonly rotation: readonly number[]
  /** Of the middle of the face, in distances of the outer eye corners. */
  readonly shift: Vector
  readonly scale: number
  /** 468x3: what the head's motion leaves, in the axes of the reference, in distances of the outer eye corners. */
  readonly expression: Float32Array
  /** Of both eyes, the person's right one first: see `eyeOpening`. */
  readonly eyeOpenings: readonly [number, number]
  /** See `mouthOpening`. */
  readonly mouthOpening: number
  /** Measured by the corners of the eyes in the reference, however the skin about them moves. */
  readonly gazes: readonly [Gaze, Gaze]
  /** 468x3: how light and shade on the skin changed, natural logarithm of the gains of red, green and blue at each vertex. */
  readonly light: Float32Array
  /** What hair and ears do beyond that, see `seenSurround`. */
  readonly surround: Surround
}

/** A reference picture, measured once for all pictures that are compared with it. */
export interface MotionReference {
  readonly face: SeenFace
  /** How well each vertex tells the skull's motion. */
  readonly weights: Float64Array
  /** Distance of the outer eye corners, px. */
  readonly unit: number
  readonly middle: Vector
  readonly eyeOpenings: readonly [number, number]
  readonly mouthOpening: number
  readonly gazes: readonly [Gaze, Gaze]
}

/** Vertices that neither lips nor lids move. */
export const STEADY: readonly number[] = /* @__PURE__ */ steadyVertices()

function steadyVertices(): number[] {
  const moved = [LIPS, EYES[0].rim, EYES[1].rim]
  return Array.from({ length: 468 }, (_, v) => v).filter((v) => !moved.some((part) => part.includes(v)))
}

/** Vertices whose motion in the picture is that of the attention network's landmarks: the flow blurs it. */
export const CLOSELY_SEEN: readonly number[] = /* @__PURE__ */ LIPS.concat(EYES[0].rim, EYES[1].rim)

/** @throws FaceError INVALID_ARGUMENT for a mesh without extent */
export function motionReference(face: SeenFace): MotionReference {
  const unit = eyeDistance(face.mesh)
  if (!(unit > 0)) throw new FaceError('INVALID_ARGUMENT', 'motionReference: the mesh has no extent')
  return {
    face,
    weights: poseWeights(face.mesh),
    unit,
    middle: meanOf(face.mesh, STEADY),
    eyeOpenings: eyeOpenings(face.landmarks),
    mouthOpening: mouthOpening(face.landmarks),
    gazes: gazesOf(face.landmarks, face.irises),
  }
}

/** Motion from the reference to another picture of the same face, split into the head's and the expression; of its surround nothing is known here. */
export function headMotion(reference: MotionReference, now: SeenFace): HeadMotion {
  const { face, weights, unit, middle } = reference
  const from = Float64Array.from(face.mesh)
  const to = Float64Array.from(now.mesh)
  for (const v of CLOSELY_SEEN) {
    for (let k = 3 * v; k < 3 * v + 2; k++) {
      to[k] = (from[k] as number) + (now.landmarks[k] as number) - (face.landmarks[k] as number)
    }
  }
  const rigid = fitSimilarity3(from, to, weights)
  const back = invertSimilarity3(rigid)
  const expression = new Float32Array(from.length)
  for (let k = 0; k < from.length; k += 3) {
    const still = applySimilarity3(back, to[k] as number, to[k + 1] as number, to[k + 2] as number)
    for (let axis = 0; axis < 3; axis++) {
      expression[k + axis] = ((still[axis] as number) - (from[k + axis] as number)) / unit
    }
  }
  const moved = applySimilarity3(rigid, ...middle)
  return {
    rotation: rigid.rotation,
    shift: moved.map((value, axis) => (value - (middle[axis] as number)) / unit) as Vector,
    scale: rigid.scale,
    expression,
    eyeOpenings: now.eyeOpenings ?? eyeOpenings(now.landmarks),
    mouthOpening: mouthOpening(now.landmarks),
    gazes: gazesOf(face.landmarks, irisesInReference(reference, now.irises, rigid)),
    light: now.light ?? new Float32Array(MESH_VERTICES * 3),
    surround: STILL_SURROUND,
  }
}

/** Irises of another picture where they would be in the reference, had the head not moved: 10x2, px of the reference. */
function irisesInReference(
  { face, middle }: MotionReference,
  irises: ArrayLike<number>,
  motion: Similarity3,
): Float64Array {
  const depthOf = (eye: Eye): number => {
    const lids = subtract(meanOf(face.mesh, eye.rim), middle)
    return middle[2] + at(deepened(lids), 2) + irisBehind(face.mesh, eye)
  }
  return irisesUnmoved(face.irises, [depthOf(EYES[0]), depthOf(EYES[1])], irises, motion)
}

/** No motion at all: what the reference itself shows. */
export function stillMotion({ eyeOpenings, mouthOpening, gazes }: MotionReference): HeadMotion {
  return {
    rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    shift: [0, 0, 0],
    scale: 1,
    expression: new Float32Array(MESH_VERTICES * 3),
    eyeOpenings,
    mouthOpening,
    gazes,
    light: new Float32Array(MESH_VERTICES * 3),
    surround: STILL_SURROUND,
  }
}

/** Expression vectors turned from the axes of one head into those of another. @returns 468x3 */
export function turnVectors(
  vectors: ArrayLike<number>,
  rotation: readonly number[],
  scale: number,
): Float64Array {
  const out = new Float64Array(vectors.length)
  for (let k = 0; k < vectors.length; k += 3) {
    const turned = rotate(rotation, vectors[k] as number, vectors[k + 1] as number, vectors[k + 2] as number)
    for (let axis = 0; axis < 3; axis++) out[k + axis] = scale * (turned[axis] as number)
  }
  return out
}
