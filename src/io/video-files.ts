import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import type { FlowResult, VideoStep } from '../face/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { encodeJpeg, makeOutputFolder, writeFileAtomic } from '../platform/index.js'
import { joinVideo } from '../platform/node/ffmpeg.js'
import type { RigidMotion } from '../products/rigid-motion.js'
import { drawVideoFrame } from '../viz/video-overlay.js'
import { JsonLines } from './json-lines.js'
import { encodeNpy } from './npy.js'
import { type FlowStatistics, flowStatistics } from './summary.js'

/** Names inside the output folder of a video. */
export const VIDEO_FILES = {
  log: 'frames.jsonl',
  flows: 'flow',
  overlays: 'overlay',
  overlayVideo: 'overlay.mp4',
  summary: 'video.json',
} as const

/** Template px of full colour in overlay videos: a wide-open mouth fills the range. */
const OVERLAY_FULL = 20

/** One line of frames.jsonl. */
export type FrameRecord =
  | { readonly frame: number; readonly name: string; readonly status: 'reference' }
  | { readonly frame: number; readonly name: string; readonly status: 'no-face'; readonly message: string }
  | {
      readonly frame: number
      readonly name: string
      readonly status: 'ok'
      readonly frameToFrame: MotionRecord
      readonly frameToReference: MotionRecord
      /** 68x2, photo px. */
      readonly landmarks68: readonly number[]
    }

interface MotionRecord {
  readonly statistics: FlowStatistics
  /** Head motion in photo px. */
  readonly rigid: RigidMotion
  readonly photometric: { readonly before: number; readonly after: number }
}

/** Output folder of a video that grows frame by frame and can be gone on with. */
export class VideoFolder {
  private constructor(
    readonly folder: string,
    private readonly log: JsonLines,
    /** Records of an earlier run, in order. */
    readonly done: readonly FrameRecord[],
    private readonly saveFlow: boolean,
  ) {
    this.overlays = done.filter((record) => record.status === 'ok').length
  }

  /**
   * @param input what the video is read from; a folder made from another input is refused
   * @throws FaceError OUTPUT_FAILED, INVALID_INPUT when the folder belongs to another video
   */
  static async open(folder: string, input: string, saveFlow: boolean): Promise<VideoFolder> {
    for (const name of [
      folder,
      join(folder, VIDEO_FILES.overlays),
      ...(saveFlow ? [join(folder, VIDEO_FILES.flows)] : []),
    ]) {
      await makeOutputFolder(name)
    }
    const { log, entries } = await JsonLines.open(join(folder, VIDEO_FILES.log))
    const [head, ...records] = entries as [{ input?: string }?, ...FrameRecord[]]
    if (head === undefined) await log.append({ input })
    else if (head.input !== input) {
      throw new FaceError(
        'INVALID_INPUT',
        `${folder}: holds the results of ${head.input}; choose another folder with -o or delete this one`,
        { file: folder },
      )
    }
    return new VideoFolder(folder, log, records, saveFlow)
  }

  /** Number of overlay pictures so far: lost frames have none, and ffmpeg wants them without gaps. */
  private overlays: number

  /** Joins the overlay pictures to a video under a temporary name, then renames it. */
  async joinOverlay(rate: number): Promise<void> {
    const pictures = join(this.folder, VIDEO_FILES.overlays, '%06d.jpg')
    const temporary = join(this.folder, `.unfinished-${VIDEO_FILES.overlayVideo}`)
    try {
      await joinVideo(pictures, rate, temporary)
      await rename(temporary, join(this.folder, VIDEO_FILES.overlayVideo))
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** Writes one computed frame; its line in the log comes last and says that the rest is complete. */
  async writeStep(frame: number, name: string, step: VideoStep): Promise<FrameRecord> {
    const number = String(frame).padStart(6, '0')
    if (this.saveFlow) {
      const shape = [TEMPLATE_SIZE, TEMPLATE_SIZE, 3]
      const path = (kind: string) => join(this.folder, VIDEO_FILES.flows, `${number}_${kind}.npy`)
      await writeFileAtomic(path('previous'), encodeNpy(step.frameToFrame.flow, shape))
      await writeFileAtomic(path('reference'), encodeNpy(step.frameToReference.flow, shape))
    }
    const { yaw, pitch, roll } = step.frameToReference.rigidPhoto.angles
    const lines = [
      `frame ${frame}`,
      'from the first frame:',
      `yaw ${yaw.toFixed(1)}°, pitch ${pitch.toFixed(1)}°, roll ${roll.toFixed(1)}°`,
      `mean flow ${flowStatistics(step.frameToReference).meanLength.toFixed(1)} px`,
    ]
    const overlay = await drawVideoFrame(step.frameToReference, lines, OVERLAY_FULL)
    const overlayName = `${String(this.overlays).padStart(6, '0')}.jpg`
    await writeFileAtomic(join(this.folder, VIDEO_FILES.overlays, overlayName), await encodeJpeg(overlay))
    this.overlays++
    return this.append({
      frame,
      name,
      status: 'ok',
      frameToFrame: motionRecord(step.frameToFrame),
      frameToReference: motionRecord(step.frameToReference),
      landmarks68: [...step.frameToReference.b.landmarks68],
    })
  }

  /** Logs a frame without flow: the reference, or one without a face. */
  async append(record: FrameRecord): Promise<FrameRecord> {
    await this.log.append(record)
    return record
  }

  async writeSummary(summary: Record<string, unknown>): Promise<void> {
    await writeFileAtomic(join(this.folder, VIDEO_FILES.summary), `${JSON.stringify(summary, null, 2)}\n`)
  }
}

function motionRecord(result: FlowResult): MotionRecord {
  return {
    statistics: flowStatistics(result),
    rigid: result.rigidPhoto,
    photometric: result.photometric,
  }
}
