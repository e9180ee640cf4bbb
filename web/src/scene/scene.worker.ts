import { expose } from 'comlink'
import type { Rgba } from '../package.js'
import type { Face, Motion, View } from './face.js'
import { FaceScene } from './face-scene.js'
import { FlatScene } from './flat-scene.js'
import type { FlatView, ReadOut } from './flat-view.js'
import { contextLost } from './lost-context.js'

/** Drawing for the pages that compute: the page moves the view, and the engine's worker sends faces. */

let scene: FaceScene | undefined
let flat: FlatScene | undefined
let lose: () => void
const lost = new Promise<void>((resolve) => {
  lose = resolve
})

/** For the engine's worker. */
const faces = {
  /** @param photo registered A, for the flat view */
  show(face: Face, motion: Motion, photo: Rgba, confidence: Float32Array | null): void {
    scene?.show(face)
    scene?.move(motion)
    flat?.show(face, motion, photo, confidence)
  },
  move(motion: Motion): void {
    scene?.move(motion)
  },
}

/** For the page. */
const control = {
  open(canvas: OffscreenCanvas): void {
    void contextLost(canvas).then(lose)
    scene = new FaceScene(canvas)
  },
  openFlat(canvas: OffscreenCanvas): void {
    void contextLost(canvas).then(lose)
    flat = new FlatScene(canvas)
  },
  /** Answers when nothing can be drawn any more. */
  async lost(): Promise<void> {
    await lost
  },
  attach(port: MessagePort): void {
    expose(faces, port)
  },
  resize(width: number, height: number, pixelRatio: number): void {
    scene?.resize(width, height, pixelRatio)
  },
  resizeFlat(width: number, height: number, pixelRatio: number): void {
    flat?.resize(width, height, pixelRatio)
  },
  orbit(turn: Parameters<FaceScene['orbit']>[0]): void {
    scene?.orbit(turn)
  },
  resetCamera(): void {
    scene?.resetCamera()
  },
  set(view: View): void {
    scene?.set(view)
  },
  setFlat(view: FlatView): void {
    flat?.set(view)
  },
  pick(x: number, y: number): ReadOut | null {
    return flat?.pick(x, y) ?? null
  },
}

export type SceneFaces = typeof faces
export type SceneWorker = typeof control

expose(control)
