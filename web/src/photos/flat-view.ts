import { type Remote, transfer } from 'comlink'
import { TEMPLATE_SIZE } from '../package.js'
import { FIRST_FLAT_VIEW, type FlatView, OVERLAYS, type Overlay } from '../scene/flat-view.js'
import type { SceneWorker } from '../scene/scene.worker.js'
import { h, slider } from '../ui/dom.js'

const NAMES: Readonly<Record<Overlay, string>> = {
  flow: 'Flow',
  depth: 'dz',
  pncc: 'PNCC',
  confidence: 'Confidence',
}
const HINT = 'Point at the face, or move the cross with the arrow keys, to read the flow.'

/** A warped towards B, fields over it, and the numbers under the pointer. */
export function flatView(
  worker: Promise<Remote<SceneWorker>>,
  onMove: (t: number) => void,
): { readonly element: HTMLElement; readonly controls: HTMLElement } {
  const canvas = h('canvas', {
    className: 'flat',
    tabIndex: 0,
    role: 'img',
    'aria-label': `Photo A, registered, warped towards B. ${HINT}`,
  })
  const cross = h('div', { className: 'cross', hidden: true })
  const readOut = h('p', { className: 'read-out', role: 'status' }, HINT)
  const element = h(
    'div',
    { className: 'flat-view' },
    h('div', { className: 'square' }, canvas, cross),
    readOut,
  )
  const opened = worker.then(async (scene) => {
    const surface = canvas.transferControlToOffscreen()
    await scene.openFlat(transfer(surface, [surface]))
    return scene
  })
  new ResizeObserver(([entry]) => {
    const side = entry?.contentRect.width ?? 0
    if (side > 0) void opened.then((scene) => scene.resizeFlat(side, side, Math.min(2, devicePixelRatio)))
  }).observe(canvas)

  let view: FlatView = FIRST_FLAT_VIEW
  const change = (part: Partial<FlatView>) => {
    view = { ...view, ...part }
    const now = view
    void opened.then((scene) => scene.setFlat(now))
  }
  const read = async (x: number, y: number) => {
    const found = await (await opened).pick(x, y)
    const px = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`
    readOut.textContent = found
      ? `(${found.x}, ${found.y}): dx ${px(found.dx)}, dy ${px(found.dy)}, dz ${px(found.dz)} px${
          found.confidence === null ? '' : `, confidence ${found.confidence.toFixed(2)}`
        }`
      : 'No flow here: off the face.'
  }
  canvas.addEventListener('pointermove', (event) => {
    const scale = TEMPLATE_SIZE / canvas.clientWidth
    cross.hidden = true
    void read(event.offsetX * scale, event.offsetY * scale)
  })
  const place = { x: TEMPLATE_SIZE / 2, y: TEMPLATE_SIZE / 2 }
  canvas.addEventListener('keydown', (event) => {
    const steps: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }
    const step = steps[event.key]
    if (!step) return
    event.preventDefault()
    const far = event.shiftKey ? 10 : 1
    place.x = Math.max(0.5, Math.min(TEMPLATE_SIZE - 0.5, place.x + far * step[0]))
    place.y = Math.max(0.5, Math.min(TEMPLATE_SIZE - 0.5, place.y + far * step[1]))
    cross.hidden = false
    cross.style.left = `${(100 * place.x) / TEMPLATE_SIZE}%`
    cross.style.top = `${(100 * place.y) / TEMPLATE_SIZE}%`
    void read(place.x, place.y)
  })
  const warp = slider(
    'A to B',
    { min: 0, max: 1, step: 0.01, value: 0 },
    (t) => t.toFixed(2),
    (t) => {
      change({ t })
      onMove(t)
    },
  )
  const opacities = OVERLAYS.map((name) =>
    slider(
      NAMES[name],
      { min: 0, max: 1, step: 0.01, value: 0 },
      (share) => `${Math.round(100 * share)} %`,
      (share) => change({ opacity: { ...view.opacity, [name]: share } }),
    ),
  )
  const controls = h(
    'div',
    { className: 'controls' },
    warp.element,
    h('fieldset', {}, h('legend', {}, 'Over the picture'), ...opacities.map((one) => one.element)),
  )
  return { element, controls }
}
