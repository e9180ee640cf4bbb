import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64 } from '../geometry/base64.js'
import { applySimilarityToPoints, invertSimilarity } from '../geometry/similarity.js'
import { decodePhoto, encodeJpeg } from '../platform/index.js'
import { writeFileAtomic } from '../platform/node/atomic.js'
import { joinVideo, type Sound, type TimedPicture } from '../platform/node/video-join.js'
import { niceScale } from '../viz/colour-maps.js'
import { drawVideoFrame, type ShownMotion } from '../viz/video-overlay.js'
import { decodeFlowPng } from './flow-png.js'
import type { FrameSource } from './frames.js'
import { VIDEO_FILES, type VideoFolder } from './video-files.js'
import { type FrameRecord, hasFlow } from './video-record.js'

/** The overlay of a whole video: drawn when all frames are known, so that its colours fit the clip. */

/** Smallest colour scale, template px. */
const FLOOR = 2

/** Template px of full colour: what a twentieth of the face exceeds in the liveliest frames, to a round number. */
export function overlayScale(records: readonly FrameRecord[]): number {
  return niceScale(
    records.flatMap(({ frameToReference }) => (frameToReference ? [frameToReference.length95] : [])),
    FLOOR,
  )
}

/**
 * Draws the picture of every frame that has a record.
 * @param full template px of full colour
 * @param onFrame called before each
 */
export async function drawOverlays(
  folder: VideoFolder,
  source: FrameSource,
  full: number,
  signal: AbortSignal,
  onFrame: (frame: number) => void,
): Promise<void> {
  const records = folder.logged()
  let triangles = new Uint16Array()
  let frame = 0
  for await (const { photo } of source.frames(0, signal)) {
    const { value: record, done } = await records.next()
    if (done || signal.aborted) break
    onFrame(frame)
    // The first mesh brings the triangles of all.
    const packed = fromBase64(record.drawn?.triangles ?? '')
    if (packed && packed.length > 0) triangles = new Uint16Array(packed.buffer)
    // A picture that cannot be read has no frame in the video.
    if (record.status !== 'unreadable') {
      const motion = await shownMotion(folder, record, triangles)
      const image = await drawVideoFrame(await decodePhoto(photo), motion, describe(record), full)
      await writeFileAtomic(folder.overlayFile(frame, '.jpg'), await encodeJpeg(image))
    }
    frame++
  }
}

async function shownMotion(
  folder: VideoFolder,
  { frame, drawn }: FrameRecord,
  triangles: Uint16Array,
): Promise<ShownMotion | null> {
  const field = drawn && (await decodeFlowPng(folder.overlayFile(frame, '_flow.png')))
  const bytes = fromBase64(drawn?.mesh ?? '')
  if (!drawn || !field || !bytes) return null
  const steps = new Int16Array(bytes.buffer)
  const mesh = new Float32Array((steps.length / 2) * 3)
  for (let v = 0; v < steps.length / 2; v++) {
    for (const axis of [0, 1]) mesh[3 * v + axis] = (steps[2 * v + axis] as number) / 64
  }
  const vertices = applySimilarityToPoints(invertSimilarity(drawn.toTemplate), mesh, 3)
  return { ...field, vertices, triangles }
}

function describe(record: FrameRecord): string[] {
  const { frame, status, time, cut, frameToReference } = record
  const when = `frame ${frame}${time === null ? '' : `, ${time.toFixed(3)} s`}${cut ? ', cut' : ''}`
  if (!frameToReference) return [when, STATUS_TEXT[status] ?? '']
  const { yaw, pitch, roll } = frameToReference.rigid.angles
  return [
    when,
    status === 'regained' ? 'regained; from the first frame:' : 'from the first frame:',
    `yaw ${yaw.toFixed(1)}°, pitch ${pitch.toFixed(1)}°, roll ${roll.toFixed(1)}°`,
    `mean flow ${frameToReference.statistics.meanLength.toFixed(1)} px`,
  ]
}

const STATUS_TEXT: Partial<Record<FrameRecord['status'], string>> = {
  'no-face': 'no face yet',
  reference: 'first frame with the face',
  lost: 'face lost',
}

/**
 * Joins the pictures to a video.
 * @param time of a record, s
 * @throws FaceError EXTERNAL_TOOL
 */
export async function joinOverlay(
  folder: VideoFolder,
  time: (record: FrameRecord) => number,
  sound: Sound | null,
): Promise<void> {
  const shown = folder.records.filter(({ status }) => status !== 'unreadable')
  const first = shown[0]
  if (first === undefined) return
  const { width, height } = await decodePhoto(folder.overlayFile(first.frame, '.jpg'))
  async function* pictures(): AsyncGenerator<TimedPicture> {
    for (const record of shown) {
      yield {
        jpeg: await readFile(folder.overlayFile(record.frame, '.jpg')),
        time: Math.max(0, time(record)),
      }
    }
  }
  await joinVideo(pictures(), { width, height }, sound, join(folder.folder, VIDEO_FILES.overlayVideo))
}

/** Whether there is anything to show. */
export function hasOverlay(records: readonly FrameRecord[]): boolean {
  return records.some(hasFlow)
}
