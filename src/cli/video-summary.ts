import type { FrameRecord, VideoBinding, VideoDamage } from '../index.js'
import type { OverlaySummary } from './video-overlay.js'

/** What `video.json` holds. */
export interface VideoSummary {
  readonly format: 2
  readonly input: string
  readonly adapter: string
  readonly date: string
  readonly frames: number
  readonly complete: boolean
  readonly damage: VideoDamage | null
  readonly withFlow: number
  readonly withoutFace: number
  readonly lost: number
  readonly regained: number
  readonly cuts: number
  readonly unreadable: number
  readonly overlay: OverlaySummary
}

export function videoSummary(
  binding: VideoBinding,
  records: readonly FrameRecord[],
  damage: VideoDamage | null,
  overlay: OverlaySummary,
): VideoSummary {
  const count = (...statuses: FrameRecord['status'][]) =>
    records.filter(({ status }) => statuses.includes(status)).length
  return {
    format: 2,
    input: binding.input,
    ...binding.provenance,
    adapter: binding.adapter,
    date: new Date().toISOString(),
    frames: records.length,
    complete: damage === null,
    damage,
    withFlow: count('ok', 'regained'),
    withoutFace: count('no-face', 'lost'),
    lost: count('lost'),
    regained: count('regained'),
    cuts: records.filter(({ cut }) => cut).length,
    unreadable: count('unreadable'),
    overlay,
  }
}

/** Whether something of the video has no flow that might have had one. */
export function isPartial({ damage, withoutFace, unreadable }: VideoSummary): boolean {
  return damage !== null || withoutFace > 0 || unreadable > 0
}

/** What could not be read of a video file, in words. */
export function describeDamage(file: string, { announced, decoded, messages }: VideoDamage): string {
  const count = announced !== null && announced > decoded ? `${decoded} of ${announced}` : String(decoded)
  const why = messages.length > 0 ? ` (ffmpeg: ${messages.join('; ')})` : ''
  return `${file}: damaged or incomplete, ${count} frames could be read${why}; what could be read is in the results`
}
