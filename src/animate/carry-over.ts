import { eulerAngles, type Matrix3, multiply, rotationFromAngles, transposed } from '../geometry/rotation.js'
import { fromRotationVector, toRotationVector } from '../geometry/rotation-vector.js'
import { fitSimilarity3 } from '../geometry/similarity3.js'
import type { Similarity } from '../geometry/types.js'
import { EYES, MOUTH } from './face-parts.js'
import type { Gaze } from './gaze.js'
import { deepened } from './head-depth.js'
import { type HeadMotion, type MotionReference, turnVectors } from './head-motion.js'
import type { Motion } from './motion-choice.js'
import { lidPosition, moveLids, partAsFar, partLips, upward } from './openings.js'
import { mouthRatio, type PhotoHead, type Strengths } from './photo-head.js'
import { movePoint, type Vector } from './points.js'
import { type Surround, surroundSimilarity } from './surround.js'

/** A similarity of the head about its middle: x' = scale R (x - middle) + middle + shift, photo px. */
export interface HeadPose {
  readonly rotation: readonly number[]
  readonly middle: Vector
  readonly shift: Vector
  readonly scale: number
}

/** A pose as points are put by it: matrix (point - middle) + goal. */
export interface PosedPoints {
  /** Rotation times scale. */
  readonly matrix: Matrix3
  readonly middle: Vector
  /** Where the middle goes. */
  readonly goal: Vector
}

export function posedPoints({ rotation, middle, shift, scale }: HeadPose): PosedPoints {
  return {
    matrix: rotation.map((value) => scale * value) as Matrix3,
    middle,
    goal: middle.map((value, axis) => value + (shift[axis] as number)) as Vector,
  }
}

/** The photo's head as the driver holds and moves it. */
export interface DrivenHead {
  /** 468x3, photo px: the photo's mesh with the expression, not turned. */
  readonly expressive: Float64Array
  readonly pose: HeadPose
  /** 468x3: see `HeadMotion.light`, at the strength that is wanted. */
  readonly light: Float32Array
  /** Shift of each iris in its eye, in widths of the eye, along the corners' line and across it; the person's right one first. */
  readonly gazes: readonly [Gaze, Gaze]
  /** What hair and ears do beyond the pose, of the picture, px. */
  readonly surround: Similarity
  /** Turn that the driver asked for and the photo cannot show, degrees; null where it shows all. */
  readonly beyond: { readonly yaw: number; readonly pitch: number } | null
}

/** Turns from the photo's pose beyond these, degrees, would show what the photo does not: cheek and ear are stretched. */
export const LARGEST_TURN = { yaw: 30, pitch: 20 } as const

/** Bridge from a driver's reference to a photo, made once for both. */
export interface Bridge {
  readonly photo: PhotoHead
  readonly reference: MotionReference
  /** Turns vectors of the driver's reference into the axes of the photo's head. */
  readonly turn: readonly number[]
  /** By vertex: by what the expression grows, to px of the photo. */
  readonly growth: Float64Array
  /** Without further photos: with them lips come to lie where theirs do, which the same landmarks see. */
  readonly isAlone: boolean
}

/** @throws FaceError INVALID_ARGUMENT for a mesh without extent */
export function bridge(photo: PhotoHead, reference: MotionReference, isAlone: boolean): Bridge {
  const { mesh } = reference.face
  const wider = mouthRatio(photo, mesh) - 1
  return {
    photo,
    reference,
    turn: fitSimilarity3(deepened(mesh), photo.mesh, photo.weights).rotation,
    growth: photo.nearMouth.map((near) => photo.unit * (1 + wider * near)),
    isAlone,
  }
}

/** The photo's head with a motion of the driver. */
export function carryOver(
  bridge: Bridge,
  motion: HeadMotion,
  strengths: Strengths,
  kind: Motion,
): DrivenHead {
  const { photo, turn, growth, reference, isAlone } = bridge
  const expressive = photo.mesh.slice()
  const vectors = turnVectors(motion.expression, turn, 1)
  for (let v = 0; v < growth.length; v++) {
    const factor = (growth[v] as number) * strengthAt(photo, v, strengths)
    for (let k = 3 * v; k < 3 * v + 3; k++)
      expressive[k] = (expressive[k] as number) + factor * (vectors[k] as number)
  }
  if (isAlone) partAsFar(expressive, photo.mesh)
  if (kind === 'absolute')
    openMouth(expressive, photo, reference.mouthOpening - photo.mouthOpening, strengths.mouth)
  partLips(expressive)
  lidsOf(bridge, motion, kind).forEach((position, i) => {
    const wanted = Math.max(0, 1 + strengths.eyes * (position - 1))
    moveLids(expressive, photo, EYES[i] as (typeof EYES)[0], wanted)
  })
  const posed = poseOf(bridge, motion, strengths.pose, kind)
  return {
    expressive,
    light: motion.light.map((value) => strengths.light * value),
    ...posed,
    surround: surroundOf(photo, posed.pose, motion.surround, strengths.pose),
    gazes: gazesOf(bridge, motion, strengths, kind),
  }
}

function strengthAt({ shares }: PhotoHead, v: number, strengths: Strengths): number {
  const { mouth, eyes, brows } = shares
  return (
    (mouth[v] as number) * strengths.mouth +
    (eyes[v] as number) * strengths.eyes +
    (brows[v] as number) * strengths.brows
  )
}

/** See `lidPosition`, of both eyes. */
function lidsOf({ photo, reference }: Bridge, { eyeOpenings }: HeadMotion, kind: Motion): number[] {
  return eyeOpenings.map((now, i) => {
    const own = kind === 'absolute' ? photo : reference
    return lidPosition(now, own.eyeOpenings[i] as number)
  })
}

/** Where the head goes, and the turn that it cannot show. */
export function poseOf(
  { photo, turn }: Bridge,
  motion: HeadMotion,
  strength: number,
  kind: Motion,
): Pick<DrivenHead, 'pose' | 'beyond'> {
  const asked = kind === 'absolute' ? multiply(motion.rotation, transposed(turn)) : motion.rotation
  const [x, y, z] = toRotationVector(asked)
  const wanted = fromRotationVector([strength * x, strength * y, strength * z])
  const { yaw, pitch, roll } = eulerAngles(wanted)
  const held = { yaw: within(yaw, LARGEST_TURN.yaw), pitch: within(pitch, LARGEST_TURN.pitch) }
  const isHeld = held.yaw !== yaw || held.pitch !== pitch
  return {
    pose: {
      rotation: isHeld ? rotationFromAngles(held.yaw, held.pitch, roll) : wanted,
      middle: photo.middle,
      shift: motion.shift.map((value) => strength * value * photo.unit) as Vector,
      scale: motion.scale ** strength,
    },
    beyond: isHeld ? { yaw, pitch } : null,
  }
}

function surroundOf(
  { unit }: PhotoHead,
  { middle, shift, scale }: HeadPose,
  surround: Surround,
  strength: number,
): Similarity {
  const wanted = surround.map((value) => strength * value) as unknown as Surround
  return surroundSimilarity(wanted, [middle[0] + shift[0], middle[1] + shift[1]], scale * unit)
}

function within(value: number, limit: number): number {
  return Math.max(-limit, Math.min(limit, value))
}

function gazesOf(
  { photo, reference }: Bridge,
  motion: HeadMotion,
  { eyes }: Strengths,
  kind: Motion,
): [Gaze, Gaze] {
  const gaze = (i: 0 | 1): Gaze => {
    const [now, own] = [motion.gazes[i], kind === 'absolute' ? photo.gazes[i] : reference.gazes[i]]
    return { along: eyes * (now.along - own.along), across: eyes * (now.across - own.across) }
  }
  return [gaze(0), gaze(1)]
}

/** Of a wider opening the lower lip and the jaw take this share, the upper lip the rest. */
const LOWER_SHARE = 0.8

/** @param by in widths of the mouth */
function openMouth(mesh: Float64Array, photo: PhotoHead, by: number, strength: number): void {
  const up = upward(mesh)
  const step = strength * by * photo.mouthWidth
  for (let v = 0; v < mesh.length / 3; v++) {
    const height = heightOverLips(photo, v, up)
    const near = photo.nearMouth[v] as number
    movePoint(mesh, v, up, height >= 0 ? (1 - LOWER_SHARE) * step * near : -LOWER_SHARE * step * near)
  }
}

function heightOverLips({ mesh }: PhotoHead, v: number, up: Vector): number {
  let sum = 0
  for (let axis = 0; axis < 3; axis++) {
    const line = ((mesh[3 * MOUTH.upper + axis] as number) + (mesh[3 * MOUTH.lower + axis] as number)) / 2
    sum += ((mesh[3 * v + axis] as number) - line) * (up[axis] as number)
  }
  return sum
}
