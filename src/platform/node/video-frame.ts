import type { Rgba } from '../../geometry/types.js'

/** One frame of a video file. */
export interface VideoFrame {
  readonly image: Rgba
  /** Seconds from the start of the file; null where the file does not say. */
  readonly time: number | null
}

/** What of a video file could not be read. */
export interface VideoDamage {
  /** Frames that the header announces; null where it does not. */
  readonly announced: number | null
  readonly decoded: number
  /** What ffmpeg complained about, the first few. */
  readonly messages: readonly string[]
}

/** Gaps of a video's clock that are too long for a picture to be shown, and are left out. */
export interface ClockGaps {
  /** Frame after the first one, from 0. */
  readonly first: number
  readonly count: number
  /** In all. */
  readonly seconds: number
}
