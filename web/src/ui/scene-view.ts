import { type Remote, transfer } from 'comlink'
import { FIRST_VIEW, type LayerName, type View } from '../scene/face.js'
import type { SceneWorker } from '../scene/scene.worker.js'
import { h } from './dom.js'
import { stage } from './stage.js'
import { viewControls } from './view-controls.js'

/** The face in 3D on a page that computes, and how it is shown. */
export interface SceneView {
  readonly element: HTMLElement
  readonly controls: HTMLElement
  change(part: Partial<View>): void
}

export function sceneView(
  worker: Promise<Remote<SceneWorker>>,
  layers: readonly LayerName[],
  note: string,
): SceneView {
  let view: View = FIRST_VIEW
  const change = (part: Partial<View>) => {
    view = { ...view, ...part }
    const now = view
    void worker.then((scene) => scene.set(now))
  }
  const canvas = stage('Face in 3D', {
    resize: (...size) => void opened.then((scene) => scene.resize(...size)),
    orbit: (turn) => void worker.then((scene) => scene.orbit(turn)),
    resetCamera: () => void worker.then((scene) => scene.resetCamera()),
  })
  const opened = worker.then(async (scene) => {
    const surface = canvas.transferControlToOffscreen()
    await scene.open(transfer(surface, [surface]))
    return scene
  })
  return {
    element: h('div', { className: 'scene' }, canvas),
    controls: viewControls(layers, note, change, () => void worker.then((scene) => scene.resetCamera())),
    change,
  }
}
