import { decodePhoto, encodeJpeg } from '../platform/index.js'
import { joinVideo, type Sound, type TimedPicture, type VideoFormat } from '../platform/node/video-join.js'
import type { AnimationFolder } from './animation-folder.js'
import { SYNTHETIC_STATEMENT } from './synthetic.js'

/** Pictures reach the encoder as JPEG of this quality. */
const QUALITY = 97

/**
 * Joins the pictures of an animation to a video.
 * @param time of a frame, s
 * @throws FaceError EXTERNAL_TOOL
 */
export async function joinAnimation(
  folder: AnimationFolder,
  out: string,
  format: VideoFormat,
  time: (frame: number) => number,
  sound: Sound | null,
): Promise<void> {
  const { width, height } = await decodePhoto(folder.picture(0))
  async function* pictures(): AsyncGenerator<TimedPicture> {
    for (let frame = 0; frame < folder.records.length; frame++) {
      const jpeg = await encodeJpeg(await decodePhoto(folder.picture(frame)), QUALITY)
      yield { jpeg, time: Math.max(0, time(frame)) }
    }
  }
  await joinVideo(pictures(), { width, height }, sound, out, { format, comment: SYNTHETIC_STATEMENT })
}
