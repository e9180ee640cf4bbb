/** Data types of the face level, shared by pipeline, files and pictures. Frames: geometry/types.ts. */

import type { EulerAngles } from '../geometry/rotation.js'
import type { Box, PhotoInput, Rgba, Similarity } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Extent } from '../nets/face-extent.js'
import type { Refinement } from '../nets/refinement.js'
import type { ShippedFiles } from '../platform/index.js'
import type { PhotometricResidual } from '../products/residual.js'
import type { RigidMotion } from '../products/rigid-motion.js'
import type { PairCheck } from '../products/warnings.js'
import type { AutotuneOptions } from '../runtime/autotune.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'

/** One face found in one photo. */
export interface FaceFrame {
  readonly image: Rgba
  /** Detector box, photo px. */
  readonly box: Box
  /** Detector score in [0, 1]; for a tracked frame the mesh network's face presence. */
  readonly score: number
  /** 468x3: x, y in photo px, z in photo px relative to the face's centre, positive away from the camera. */
  readonly landmarks468: Float32Array
  /**
   * 10x2, photo px: five points of the iris that is left in an unmirrored picture (the person's right), then of the other; of each
   * centre, right, top, left, bottom. A guess where the eye is shut.
   */
  readonly irises: Float32Array
  /** 68x2, iBUG order, photo px. */
  readonly landmarks68: Float32Array
  /** Photo px -> template px. */
  readonly toTemplate: Similarity
  /** The photo warped to the template frame, 224x224. */
  readonly registered: Rgba
  /** Mean distance of the 68 moved landmarks from the template's, template px. */
  readonly registrationResidual: number
}

/** What the weights in use are; written into every result. */
export interface WeightsInfo {
  readonly name: string
  /** Content hash of the weight file: sha256 over its tensors, whatever its notes say; hex. */
  readonly hash: string
  /** The same of the file of depth from motion; null where dz is the network's. */
  readonly depthHash: string | null
  /** Measured visible 3D endpoint error on the test set, template px; null when the file carries none. */
  readonly epe: number | null
}

/** Flow of a registered pair with everything derived from it in the template frame. */
export interface RegisteredFlowResult {
  /** 224x224x3 (dx, dy, dz), template px, zero outside `mask`. */
  readonly flow: Float32Array
  /** 224x224, 1 on the face of A, 0 elsewhere. */
  readonly mask: Uint8Array
  /** 224x224, 1 on the mesh of A, 0 elsewhere: `mask` without what `extent` adds to it. */
  readonly meshMask: Uint8Array
  /** 224x224x3, zero outside `mask`; in [0, 1] on the mesh, and a little beyond about it: places above the brows lie above the canonical mesh. */
  readonly pncc: Float32Array
  /** 224x224, z of the surface of A, template px, zero outside `mask`. */
  readonly depth: Float32Array
  /**
   * 468x3, template px of A. Where A comes with landmarks (photos, videos, faces of `detect`), lids, lips and jaw lie where these have them; of
   * registered pixels alone it is the mesh network's. `pncc`, `depth` and the masks are of the mesh network's mesh.
   */
  readonly meshA: Float32Array
  /** 468x3, mesh of A moved by the flow, template px of B. */
  readonly meshB: Float32Array
  /** Triangles of the mesh, Tx3 vertex indices. */
  readonly triangles: Uint16Array
  readonly registeredA: Rgba
  readonly registeredB: Rgba
  /** 224x224x3 flow from B to A, defined on the face of B. Only when asked for. */
  readonly backwardFlow?: Float32Array
  /** 224x224, 1 where a face pixel of A is hidden in B, that is likely enough to be. Only with `backwardFlow`. */
  readonly occlusion?: Uint8Array
  /** 224x224 in [0, 1], 0 off the mask: the probability that a face pixel of A is hidden in B. Only with `backwardFlow`. */
  readonly occlusionProbability?: Float32Array
  /**
   * 224x224 in [0, 1], 0 off the mask: the probability that (dx, dy) is less than 1 template px off. Of the pixels with confidence c
   * a share of c is, on pairs of the kinds in training (weights/README.md has the measured shares). Only with `backwardFlow`.
   */
  readonly confidence?: Float32Array
  /** Rigid head motion between the registered frames (what registration left), template px. */
  readonly rigid: RigidMotion
  /** 224x224x3, flow minus the flow of `rigid`, template px. */
  readonly expressionFlow: Float32Array
  /** Registered B resampled at p + F(p): B made to look like A; black outside `mask`. */
  readonly warpedB: Rgba
  /** 224x224, |warpedB - registeredA| averaged over RGB, grey levels; zero outside `mask`. */
  readonly residual: Float32Array
  readonly photometric: PhotometricResidual
  readonly weights: WeightsInfo
  /** Where dz comes from. */
  readonly depthSource: DepthSource
  /** What followed DFFNet. */
  readonly refinement: Refinement
  /** How far `mask` and all that is defined on it reach. */
  readonly extent: Extent
  /** Name of the GPU adapter that computed it. */
  readonly adapter: string
  /** Wall time of each stage, ms. */
  readonly timingsMs: Readonly<Record<string, number>>
  /** What was measured to tell whether the flow can be trusted, with its limits; `warnings` has a sentence for what is exceeded. */
  readonly checks: readonly PairCheck[]
  /** Things a user should know, one sentence each (several faces found, face cut by the border...). */
  readonly warnings: readonly string[]
}

/** Flow between two photos: the registered result plus both faces and the motion in photo px. */
export interface FlowResult extends RegisteredFlowResult {
  readonly a: FaceFrame
  readonly b: FaceFrame
  /** Head motion with the registration undone: from photo px of A to photo px of B. */
  readonly rigidPhoto: RigidMotion
}

/**
 * A registered frame: pixels as anywhere, or 224x224 RGBA8 on the face level's device (`CreateOptions.device` or `engine`): a
 * GPUTexture (rgba8unorm, bgra8unorm, their `-srgb` forms, rgba16float, rgba32float; usage TEXTURE_BINDING), a GPUBuffer or a slice of one
 * (usage COPY_SRC; `offset` and `bytesPerRow` multiples of 4). In browsers also a GPUExternalTexture, imported in the task that makes the call:
 * its whole picture is scaled bilinearly to 224x224, and copied before the call returns. What else is on the device is read when the commands run: leave it alone
 * until the call has settled.
 */
export type FramePixels = PhotoInput | DeviceData

/** A registered frame of a photo whose landmarks are known. A `FaceFrame` is one. */
export interface RegisteredFace {
  readonly registered: FramePixels
  /** 468x3 (z is not looked at), photo px. */
  readonly landmarks468: Float32Array
  /** Photo px -> template px, by which `registered` was made. */
  readonly toTemplate: Similarity
}

/**
 * A registered frame: its pixels; or the face that they were registered from (`detect`, `result.a`). Where both frames of a pair are
 * faces, lids and lips of the flow open and close as the landmarks say, as in `flow`.
 */
export type FrameInput = FramePixels | RegisteredFace

/** Places on the device that `flowOnDevice` leaves flows in. */
export interface FlowTargets {
  readonly flow?: DeviceData
  readonly backwardFlow?: DeviceData
}

/** Which face of a photo to take. Default: the largest of A, and in B the same person's by appearance and place. */
export type FaceChoice =
  /** 0-based, faces ordered by size, largest first. */
  | { readonly index: number }
  /** The face whose box, which ends at brows and chin, holds the point or lies within a third of its side from it; photo px. */
  | { readonly at: readonly [number, number] }

/** What a call that waits takes. */
export interface WaitOptions {
  /** Rejects the call with the signal's reason; what is on the device by then runs to its end, what is not is left out. */
  readonly signal?: AbortSignal
}

/** Which faces, and how much is computed beside the flow. */
export interface FlowOptions extends WaitOptions {
  /** Of photo A, or of a video's first frame. */
  readonly face?: FaceChoice
  /** Of photo B; default: the face of the person chosen in A. */
  readonly faceB?: FaceChoice
  /** Compute the flow from B to A too, and from it occlusion and confidence. Default true. */
  readonly backward?: boolean
}

/** How many registered pairs are computed. */
export interface BatchOptions extends Pick<FlowOptions, 'backward' | 'signal'> {
  /**
   * Pairs of one submission, 1 to 64; default 4. More fill a GPU better, and each pair waits for its batch. The first call with a
   * size compiles kernels for it and takes some 20 MB of device memory a pair, kept until `dispose()`.
   */
  readonly batch?: number
}

/** Flow of everybody whom two photos show. */
export interface GroupFlow {
  /** One result a person seen in both photos, the largest face of A first. */
  readonly people: readonly FlowResult[]
  /** Faces of A whose person is not in B, largest first. */
  readonly onlyA: readonly FaceFrame[]
  readonly onlyB: readonly FaceFrame[]
}

/** Which flows a tracker computes: to each frame from the one before, from the reference, both, or none: it then only follows the face. */
export type VideoFlows = 'both' | 'previous' | 'reference' | 'none'

/** How a video is followed. */
export interface VideoOptions<Flows extends VideoFlows = VideoFlows> extends FlowOptions {
  /** Default `both`, which is two pairs a frame, forward and backward unless `backward` is false. */
  readonly flows?: Flows
  /**
   * Default true: what trembles and drifts by itself from frame to frame is taken out. Faces are registered where they were, but for
   * noise; with `flows: 'both'` flows from frame to frame and from the reference are made to agree, so that the first add up to the
   * second. False: each frame by itself, as `flow()` has it.
   */
  readonly smooth?: boolean
}

interface VideoStepFacts {
  /** `ok`: the frame before showed the face too; `regained`: it did not, and `frameToFrame` spans the gap. */
  readonly status: 'ok' | 'regained'
  /** Whether the camera cut between the frame before and this one. */
  readonly cut: boolean
  /** How much the face looks like it did before: cosine in [-1, 1], about 0 between strangers. */
  readonly similarity: number
}

/** What a tracker without flows gives of a frame. */
export interface FollowedFace {
  readonly face: FaceFrame
  /** What a user should know of it, one sentence each. */
  readonly warnings: readonly string[]
}

/** One step of a video: flow to this frame from the last one with the face and from the first, as `VideoOptions.flows` says. */
export type VideoStep<Flows extends VideoFlows = 'both'> = VideoStepFacts &
  (Flows extends 'reference' | 'none' ? unknown : { readonly frameToFrame: FlowResult }) &
  (Flows extends 'previous' | 'none' ? unknown : { readonly frameToReference: FlowResult }) &
  (Flows extends 'none' ? FollowedFace : unknown)

/** What a tracker has to know of a frame to go on after it. JSON; opaque to callers. */
export interface TrackerMemory {
  readonly picture: string
  /** Only where the face was found. */
  readonly face?: {
    readonly mesh: string
    readonly irises: string
    /** Where later faces are compared with this one. */
    readonly look?: string
    /** Whether it was recognised without the frame before. */
    readonly isFresh?: boolean
    readonly box: Box
    readonly score: number
    readonly roi: { readonly cx: number; readonly cy: number; readonly side: number; readonly angle: number }
    readonly toTemplate: Similarity
    /** Of the filter of registrations, see `VideoOptions.smooth`. */
    readonly registration?: {
      readonly offset: Similarity
      readonly measured: Similarity
      readonly speed: readonly number[]
    }
    /** Where the reference's vertices are in this frame, with both flows made to agree. */
    readonly vertices?: string
  }
}

/**
 * Follows one person's face through the frames of a video. Calls may overlap: a face is looked for while the flow to the frame
 * before is computed. After a call that failed the tracker is where it was before.
 */
export interface VideoTracker<Flows extends VideoFlows = 'both'> {
  /**
   * Memory of the frame given last, whether the face was found in it or not; null if it could not be read, and while its flow is
   * computed.
   */
  readonly memory: TrackerMemory | null
  /**
   * Takes the frame that `frameToReference` starts from.
   * @throws FaceError NO_FACE, INVALID_INPUT
   */
  start(reference: PhotoInput): Promise<FaceFrame>
  /**
   * Flow to this frame. The face is looked for where it was, and recognised by its appearance; no other one is taken for it.
   * @throws FaceError NO_FACE if it is not there (the tracker stays at the last frame with it and can go on; `details`: `cut`,
   * `faces`, `similarity` of the most alike), INVALID_INPUT
   */
  next(frame: PhotoInput): Promise<VideoStep<Flows>>
  /**
   * Goes on in the middle of a video; the results are those of a tracker that saw it from the start.
   * @param memories of all frames from the reference to the last one seen; those may be left out that have no `look`, but for
   * the reference, the last one, the last one with a face and the last one that `isFresh`
   * @param reference the frame that `start` got
   * @param previous the last frame in which the face was found
   * @throws FaceError INVALID_ARGUMENT if a memory is damaged; INVALID_INPUT
   */
  resume(
    memories: readonly (TrackerMemory | null)[],
    reference: PhotoInput,
    previous: PhotoInput,
  ): Promise<void>
}

/** What is measured on one face to tell whether it is of use. */
export interface FaceMeasures {
  /** Turned against the camera, degrees; signs as in `RigidMotion.angles`. */
  readonly pose: EulerAngles
  /** Fine detail of the registered face over coarser: photos have 0.5 to 0.8, below 0.44 it is blurred. Null where it cannot be told. */
  readonly sharpness: number | null
  /** Share of the mesh's vertices that lie outside the photo. */
  readonly outside: number
}

/** A face in one frame of a video in which every face is followed. */
export interface TrackedFace {
  /** Number of its track, from 0: one face in one shot, without a gap. */
  readonly track: number
  readonly frame: FaceFrame
  /** Of the detector in [0, 1]; null in frames in which it was not asked, which are most. */
  readonly detectorScore: number | null
}

/** One frame of a video in which every face is followed. */
export interface FollowedFrame {
  /** Whether the camera cut between the frame before and this one; all tracks have ended then. */
  readonly cut: boolean
  /** The oldest track first. */
  readonly faces: readonly TrackedFace[]
  /** Tracks that the frame before had and this one has not; they do not come back. */
  readonly ended: readonly number[]
}

/** Follows every face through the frames of a video. */
export interface FacesTracker {
  /**
   * The next frame. Faces smaller than about a tenth of its longer side are searched for only at the beginning of a shot that shows
   * no larger one; new ones at least every ten frames.
   * @throws FaceError INVALID_INPUT for a frame that cannot be read; the tracker can go on
   */
  next(frame: PhotoInput): Promise<FollowedFrame>
}

/** Of the package, see `CreateOptions.refinement`. */
export const DEFAULT_REFINEMENT: Refinement = 'variational'

/** What {@link FaceFlow} implementations are opened with. */
export interface CreateOptions extends ShippedFiles {
  /** `auto`, `hardware`, `software`, `embedded` or part of an adapter's name. Default `auto`. */
  readonly adapter?: string
  /** Which of two GPUs, where a machine has them; a wish. Default `high-performance`. */
  readonly powerPreference?: GPUPowerPreference
  /** A device owned by the caller; never destroyed by `dispose()`. */
  readonly device?: GPUDevice
  /**
   * DFFNet weight file, or the name of one in the package: `dffnet-m` (default), `dffnet-m-small` for weak machines, or
   * `dffnet-m-small-8bit` for small downloads: the small one and the mesh networks with weights of 8 bits, 7.5 MB in all.
   */
  readonly weights?: string
  /**
   * Where dz comes from: `motion`, corrected by the head's motion in the image; `network`, as DFFNet says. Default: `motion`
   * where its file, `x-depth.safetensors` for `x.safetensors`, lies beside the DFFNet weight file, as it does in the package. A file
   * may correct dx and dy too; with `network` these are as the refinement leaves them.
   */
  readonly depth?: DepthSource
  /**
   * What follows DFFNet: `inverse-search` moves small patches of A to where B looks like them; `variational` (default) does that
   * and then lets every pixel move by a fraction more; `none` leaves the flow as it is.
   */
  readonly refinement?: Refinement
  /**
   * How far the face reaches: `face` on to the hair line, before the ears and below the chin; `mesh` as far as the 468 vertices, which
   * end on the forehead. Default: `face` where the network sees the mesh of B, as those of the package do.
   */
  readonly extent?: Extent
  /** Kernels by times measured on this adapter. Default: `cached`, what an earlier run with `measure` stored. */
  readonly autotune?: AutotuneOptions
  /**
   * An engine of the caller (of `deepfaceflow/engine`), for several face levels or other plans on one device; never disposed
   * by `dispose()`. Face levels with the same weights have these on the device once. Not with `adapter`, `device`, `autotune`.
   */
  readonly engine?: Engine
  /** Called before each start-up step, with a short phrase. */
  readonly onProgress?: (step: string) => void
}

/** The face level of the package: photos in, flow out. */
export interface FaceFlow {
  /** Name of the GPU adapter. */
  readonly adapter: string
  /** One printable line: which adapter was taken and why. */
  readonly selection: string
  readonly weights: WeightsInfo
  /**
   * Faces of a photo, largest first. Ones smaller than about a tenth of its longer side are searched for only while there
   * is no larger one.
   * @throws FaceError INVALID_INPUT, NO_FACE
   */
  detect(photo: PhotoInput, options?: WaitOptions): Promise<FaceFrame[]>
  /** @throws FaceError INVALID_INPUT, NO_FACE; EngineError */
  flow(a: PhotoInput, b: PhotoInput, options?: FlowOptions): Promise<FlowResult>
  /**
   * Flow of every person whom both photos show, matched by appearance and place; searches both photos down to the smallest
   * faces that can be found.
   * @throws FaceError INVALID_INPUT, NO_FACE if no person is in both; EngineError
   */
  flowAll(
    a: PhotoInput,
    b: PhotoInput,
    options?: Pick<FlowOptions, 'backward' | 'signal'>,
  ): Promise<GroupFlow>
  /**
   * For pairs of 224x224 images already in the template frame.
   * @throws FaceError INVALID_INPUT; EngineError INVALID_BUFFER for frames on the device that do not fit
   */
  flowRegistered(a: FrameInput, b: FrameInput, options?: FlowOptions): Promise<RegisteredFlowResult>
  /** @param options the signal ends all calls of the tracker */
  video(options?: VideoOptions<'both'>): VideoTracker
  /** @param options the signal ends all calls of the tracker */
  everybody(options?: WaitOptions): FacesTracker
  /** Figures of a face that a call of this object found. Computed on the processor, in some ten milliseconds. */
  measure(face: FaceFrame): FaceMeasures
  dispose(): void
}

/** True for results of `flow()`, which know the photos behind the registered pair. */
export function hasPhotos(result: RegisteredFlowResult): result is FlowResult {
  return 'a' in result && 'b' in result
}
