import { expose } from 'comlink'
import type { LayerName, View } from '../scene/face.js'
import { FaceScene } from '../scene/face-scene.js'
import { contextLost } from '../scene/lost-context.js'
import { type ResultFacts, readPair } from './read-pair.js'
import { type FrameLine, readMotion, readVideo } from './read-video.js'
import type { ResultFiles } from './result-files.js'

/** Reading, computing and drawing of the viewer, off the page's main thread. */

/** What the page has to know of what is shown. */
export type Shown = {
  readonly gaps: readonly string[]
  /** Whether there is a surface at every pixel. */
  readonly isDense: boolean
  readonly hasFace: boolean
  readonly layers: readonly LayerName[]
} & (
  | { readonly kind: 'pair'; readonly facts: ResultFacts }
  | { readonly kind: 'video'; readonly input: string; readonly frames: readonly FrameLine[] }
)

let scene: FaceScene | undefined
let lost: Promise<void> | undefined
let video: {
  readonly source: ResultFiles
  readonly face: Awaited<ReturnType<typeof readVideo>>['face']
} | null = null

function opened(): FaceScene {
  if (!scene) throw new Error('the scene has no canvas yet')
  return scene
}

const viewer = {
  open(canvas: OffscreenCanvas): void {
    lost = contextLost(canvas)
    scene = new FaceScene(canvas)
  },
  /** Answers when nothing can be drawn any more. */
  async lost(): Promise<void> {
    await lost
  },
  resize(width: number, height: number, pixelRatio: number): void {
    opened().resize(width, height, pixelRatio)
  },
  orbit(turn: Parameters<FaceScene['orbit']>[0]): void {
    opened().orbit(turn)
  },
  resetCamera(): void {
    opened().resetCamera()
  },
  set(view: View): void {
    opened().set(view)
  },
  async showPair(source: ResultFiles): Promise<Shown> {
    const { face, motion, facts, gaps } = await readPair(source, opened().renderer)
    video = null
    opened().show(face)
    opened().move(motion)
    const layers = Object.keys(motion.layers) as LayerName[]
    return { kind: 'pair', facts, gaps, isDense: face.surface !== null, hasFace: true, layers }
  },
  async showVideo(source: ResultFiles): Promise<Shown> {
    const { face, input, frames, gaps } = await readVideo(source, opened().renderer)
    video = { source, face }
    if (face) opened().show(face)
    return {
      kind: 'video',
      input,
      frames,
      gaps,
      isDense: face !== null,
      hasFace: face !== null,
      layers: ['flow', 'depth', 'expression'],
    }
  },
  /** Moves the face to a frame of the video. @returns whether that frame has flow */
  async showFrame(frame: number): Promise<boolean> {
    if (!video?.face) return false
    const shown = video
    const motion = await readMotion(video.source, video.face, frame)
    // Another result was opened meanwhile.
    if (shown !== video || motion === null) return false
    opened().move(motion)
    return true
  },
}

export type ViewerWorker = typeof viewer

expose(viewer)
