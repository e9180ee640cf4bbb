import type { WatchedCovers } from '../animate/watched-covers.js'
import type {
  FaceChoice,
  FaceFrame,
  FlowResult,
  GroupFlow,
  TrackerMemory,
  WaitOptions,
} from '../face/types.js'
import type { EulerAngles } from '../geometry/rotation.js'
import type { PhotoInput } from '../geometry/types.js'
import type { CoefficientName } from './names.js'

/** A coefficient as read from a picture. */
export interface Coefficient {
  /** 0 (not at all) to 1; null where this coefficient cannot be seen in pictures, or in this one (`Expression.unseen`). */
  readonly value: number | null
  /** Probability that the value is off by no more than 0.15, as it was on rendered faces; 0 where there is no value. */
  readonly confidence: number
}

/** The coefficients by name. */
export type Coefficients = Readonly<Record<CoefficientName, Coefficient>>

/** Where the eyes look, against the head: degrees, both eyes together. */
export interface GazeAngles {
  /** To the left edge of the picture positive, as yaw of `RigidMotion`. */
  readonly yaw: number
  /** Down positive. */
  readonly pitch: number
  /** From 0 to 1: falls to 0 as the lids shut, and as the eyes disagree; 0 where something covers them. */
  readonly confidence: number
}

/** How a head is held, and where it is. */
export interface HeadPose {
  /**
   * Degrees, signs as of `RigidMotion.angles`: positive yaw turns the nose to the left edge of the picture, positive pitch down, positive
   * roll clockwise. Yaw and pitch are against the ray from the camera to the face; 0 is a head that looks into the camera.
   */
  readonly angles: EulerAngles
  /**
   * Middle of the face from the middle of the picture, right and down, in widths of the face; third the distance from the camera where
   * its field of view is known, else null.
   */
  readonly place: readonly [x: number, y: number, distance: number | null]
  /** The same in metres, for a face that is as wide as those of most grown people; null where the field of view is not known. */
  readonly metres: readonly [x: number, y: number, z: number] | null
  /** From 0 to 1: the mesh network's confidence that this is a face, less where it is turned far. */
  readonly confidence: number
}

/** What a face does. */
export interface Expression {
  readonly coefficients: Coefficients
  /** Names of the coefficients without a value: pictures do not show them well enough to be read, or something covers the eyes or the mouth in this one or in the one at rest (`hiddenParts`). */
  readonly unseen: readonly CoefficientName[]
  /** Whether a picture of the person at rest was taken into account; else coefficients are absolute. */
  readonly isRelative: boolean
  readonly gaze: GazeAngles
  readonly pose: HeadPose
  /** The mesh network's confidence that it sees a face, 0 to 1. */
  readonly confidence: number
  /** Where the face is. */
  readonly face: FaceFrame
  /** What a user should know, one sentence each. */
  readonly warnings: readonly string[]
}

/** What was read, without the picture that it was read from. */
export type ReadExpression = Omit<Expression, 'face'>

/** A photo, or a face that was found in one (`detect`, `result.a`, `step.face` of a tracker), which is not looked for again. */
export type ExpressionInput = PhotoInput | FaceFrame

/** How an expression is read. */
export interface ExpressionOptions extends WaitOptions {
  /** Which face of the photo; default the largest. Not for a face that was found. */
  readonly face?: FaceChoice
  /** The same person at rest: coefficients are then told against it. Of a photo its largest face is taken. */
  readonly neutral?: ExpressionInput
  /** Horizontal field of view of the camera, degrees, for distances: most telephones 65 to 70, webcams 60 to 80. */
  readonly fieldOfView?: number
}

/** How the expressions of a video are read. */
export interface ExpressionStreamOptions extends ExpressionOptions {
  /** Takes the noise out of what rests without delaying what moves. Default true. */
  readonly smoothing?: boolean
}

/** The expression of one frame. */
export interface ExpressionStep {
  /** `lost`: the face is not there, or the picture cannot be read; `regained`: it was not in the frame before. */
  readonly status: 'ok' | 'regained' | 'lost'
  /** Null where the face is lost. */
  readonly expression: Expression | null
  /** Why there is none. */
  readonly message?: string
}

/** What a stream has to know of a frame to go on after it. Plain JSON. */
export interface ExpressionMemory {
  /** Of the frame, s. */
  readonly time: number
  /** Whether the camera cut before it. */
  readonly cut: boolean
  /** As read, not smoothed; null where the face is lost. */
  readonly read: ReadExpression | null
  /** Parts that are covered, and how near that is to its end; absent where none is. */
  readonly covers?: WatchedCovers
  /** Of what follows the face; null before its first frame, and for a frame that cannot be read. */
  readonly tracker: TrackerMemory | null
}

/** Reads one person's expressions from the frames of a video. */
export interface ExpressionStream {
  /** Of the frame read last, for `resume`; null before the first. */
  readonly memory: ExpressionMemory | null
  /**
   * The expression of the next frame. The person is chosen in the first frame that shows a face, and followed. A face that a tracker
   * of the caller's has found (`VideoStep.face`, `frameToReference.b`) is taken as it is; a stream gets the one or the other.
   * @param time of the frame, s, later than that of the frame before
   * @throws FaceError INVALID_ARGUMENT for a time that does not go on, INVALID_INPUT for a face that lacks something
   */
  next(frame: ExpressionInput, time: number): Promise<ExpressionStep>
  /**
   * Goes on in the middle of a video, in place of `next` for its frames so far: later ones come out as if all had been read.
   * @param memories after each frame
   * @param faces pictures of the first and of the last frame whose memory has `tracker.face`; null where none has
   * @returns what was read of the frames so far
   * @throws FaceError INVALID_ARGUMENT for a damaged memory, or once frames were read
   */
  resume(
    memories: readonly ExpressionMemory[],
    faces: readonly [first: PhotoInput, last: PhotoInput] | null,
  ): Promise<readonly ResumedStep[]>
}

/** What was read of a frame before a stream was resumed. */
export type ResumedStep = Pick<ExpressionStep, 'status'> & { readonly expression: ReadExpression | null }

/** What the faces of a pair do. */
export interface PairExpression {
  readonly a: Expression
  readonly b: Expression
}

/** Flow between two photos, and what their faces do. */
export interface ExpressiveFlowResult extends FlowResult {
  /**
   * Expressions of both faces, read when this is called; told against `neutral`, which may be `a` of this result.
   * @throws as `expression`
   */
  expression(options?: Omit<ExpressionOptions, 'face'>): Promise<PairExpression>
}

/** Flow of everybody whom two photos show, and what their faces do. */
export interface ExpressiveGroupFlow extends GroupFlow {
  readonly people: readonly ExpressiveFlowResult[]
}
