import type { FaceChoice, FaceFrame, TrackerMemory, WaitOptions } from '../face/types.js'
import type { PhotoInput, Rgba } from '../geometry/types.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { DriverCovers } from './driver-covers.js'
import type { HeadMotion } from './head-motion.js'
import type { Motion } from './motion-choice.js'
import type { Strengths } from './photo-head.js'

/** How a photo is animated. */
export interface AnimateOptions extends WaitOptions {
  /** Which face of the photo; default the largest. */
  readonly face?: FaceChoice
  /** Which face of the driver's reference; default the largest. */
  readonly driverFace?: FaceChoice
  /**
   * Further photos of the same person: in each region of the face those are drawn into a frame that hold it most as the frame needs
   * it, and the insides of their mouths are shown. Without them the photo's own pixels move, and the inside of the mouth is the driver's.
   */
  readonly sources?: readonly PhotoInput[]
  /** How much of each part's motion is taken over: 1 (default) as the driver does, 0 not at all, at most 2. */
  readonly strengths?: Partial<Strengths>
  /**
   * `relative` (default): what changes against the driver's reference. `absolute`: also how the driver holds the head and how far
   * eyes and mouth are open there.
   */
  readonly motion?: Motion
}

/** What a driver does in one frame. */
export interface ObservedFrame {
  /** `held`: the face is not there, or the picture cannot be read, and the motion is that of the last frame with it. */
  readonly status: 'ok' | 'regained' | 'held'
  readonly motion: HeadMotion
  /** Inner lips and points of the cheeks, 24x2 px of the frame; where the mouth is hidden, of the last frame that shows it. */
  readonly mouth: Float32Array
  /** What seems to lie over eyes or mouth, or nearly does, and what that does to their motion; absent where both are free and were. */
  readonly covers?: DriverCovers
  /** Why the motion is held. */
  readonly message?: string
}

/** What is known of a frame that was drawn. */
export interface DrawnFrame {
  readonly status: ObservedFrame['status']
  /** As of `ObservedFrame`. */
  readonly covers?: DriverCovers
  /** Turn that the driver asks for beyond what the photo can show, degrees; null where all of it is shown. */
  readonly beyond: { readonly yaw: number; readonly pitch: number } | null
}

/** One frame of the animation. */
export interface AnimatedFrame extends DrawnFrame {
  /** In the photo's size. */
  readonly image: Rgba
}

/**
 * A photo that a driver moves. `start` takes the driver's reference: a frame with the mouth shut, the eyes open and the head as
 * in the photo (`referenceFrame` chooses one). Then `next` for each frame; or `observe` for each, `smoothedMotion`, and `draw`.
 */
export interface Animation {
  /** The photo's face. */
  readonly face: FaceFrame
  /** Whether the driver's reference is known. */
  readonly isStarted: boolean
  /** What a user should know of the photo, its further sources and, once it is started, the driver's reference; one sentence each. */
  readonly warnings: readonly string[]
  /** Of the frame observed last; see `VideoTracker.memory`. */
  readonly memory: TrackerMemory | null
  /**
   * Takes the picture of the driver that all others are compared with.
   * @returns what it shows
   * @throws FaceError NO_FACE, INVALID_INPUT
   */
  start(reference: PhotoInput): Promise<ObservedFrame>
  /**
   * The driver's motion from the reference to a frame.
   * @throws FaceError INVALID_ARGUMENT before `start`
   */
  observe(frame: PhotoInput): Promise<ObservedFrame>
  /**
   * The photo with a motion.
   * @param frame the driver's, for the inside of the mouth; decoded again if it is a file
   * @param shown the last of the driver's frames of which `showsMouth` holds: its mouth is shown where the frame's is not; without it, none
   * @throws FaceError INVALID_ARGUMENT before `start`, and for a motion with numbers that are missing or not finite
   */
  draw(observed: ObservedFrame, frame: PhotoInput, shown?: PhotoInput): Promise<AnimatedFrame>
  /**
   * `draw` that leaves the frame on the device of `CreateOptions.device` or `engine`, with the same pixels. Nothing is read back but for photos of more than 2
   * megapixels, whose head is drawn apart and put into the photo by the processor.
   * @param to place for RGBA8 pixels in the photo's size: a GPUBuffer or a slice of one (usage COPY_DST; `bytesPerRow` a multiple of 4), or a
   * GPUTexture (rgba8unorm, usage STORAGE_BINDING). What is there belongs to the caller
   * @returns settles when the device has accepted the commands: what the caller submits from then on sees the frame
   * @throws FaceError as `draw`; EngineError INVALID_BUFFER for a place that does not fit
   */
  drawOnDevice(
    observed: ObservedFrame,
    frame: PhotoInput,
    to: DeviceData,
    shown?: PhotoInput,
  ): Promise<DrawnFrame>
  /**
   * Turn of a motion beyond what the photo can show, degrees; null where all of it is shown.
   * @throws FaceError INVALID_ARGUMENT as `draw`
   */
  turnBeyond(motion: HeadMotion): AnimatedFrame['beyond']
  /** `observe` and `draw`. */
  next(frame: PhotoInput): Promise<AnimatedFrame>
  /**
   * Goes on in the middle of a driver, in place of `start`; frames come out as if seen from the start.
   * @param memories after each observed frame
   * @param reference what `start` got
   * @param previous the last frame that showed the face
   * @param last what was observed last
   * @param shown the last frame of which `showsMouth` holds, for `next`; by default `previous`, if its mouth is not covered
   * @returns what `start` returned
   * @throws FaceError as `VideoTracker.resume`, INVALID_ARGUMENT for a `last` with numbers that are missing or not finite
   */
  resume(
    memories: readonly (TrackerMemory | null)[],
    reference: PhotoInput,
    previous: PhotoInput,
    last: ObservedFrame,
    shown?: PhotoInput,
  ): Promise<ObservedFrame>
  dispose(): void
}
