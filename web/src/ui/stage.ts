import { h } from './dom.js'

/** What drives a scene in a worker. */
export interface SceneControl {
  resize(width: number, height: number, pixelRatio: number): void
  orbit(turn: { readonly azimuth?: number; readonly height?: number; readonly zoom?: number }): void
  resetCamera(): void
}

const KEY_STEP = 0.12
const KEYS: Readonly<Record<string, Parameters<SceneControl['orbit']>[0]>> = {
  ArrowLeft: { azimuth: -KEY_STEP },
  ArrowRight: { azimuth: KEY_STEP },
  ArrowUp: { height: KEY_STEP },
  ArrowDown: { height: -KEY_STEP },
  '+': { zoom: 0.9 },
  '=': { zoom: 0.9 },
  '-': { zoom: 1 / 0.9 },
}

/**
 * A canvas that is drawn in a worker and turned by mouse, fingers and keys here: events are cheap, pictures are not.
 * @returns the canvas, to be transferred, after it stands in the document
 */
export function stage(label: string, control: SceneControl): HTMLCanvasElement {
  const canvas = h('canvas', {
    className: 'stage',
    tabIndex: 0,
    role: 'img',
    'aria-label': `${label}. Drag or use the arrow keys to turn, + and - to come nearer, 0 for the first view.`,
  })
  new ResizeObserver(([entry]) => {
    const { width = 0, height = 0 } = entry?.contentRect ?? {}
    if (width > 0 && height > 0) control.resize(width, height, Math.min(2, devicePixelRatio))
  }).observe(canvas)
  const fingers = new Map<number, PointerEvent>()
  const gap = () => {
    const [a, b] = [...fingers.values()]
    return a && b ? Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) : 0
  }
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, event)
  })
  canvas.addEventListener('pointermove', (event) => {
    const before = fingers.get(event.pointerId)
    if (!before) return
    const apart = gap()
    fingers.set(event.pointerId, event)
    if (fingers.size > 1) {
      if (apart > 0 && gap() > 0) control.orbit({ zoom: apart / gap() })
      return
    }
    const perPixel = 4 / canvas.clientHeight
    control.orbit({
      azimuth: (before.clientX - event.clientX) * perPixel,
      height: (event.clientY - before.clientY) * perPixel,
    })
  })
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, (event) => fingers.delete(event.pointerId))
  }
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      control.orbit({ zoom: 1.001 ** event.deltaY })
    },
    { passive: false },
  )
  canvas.addEventListener('dblclick', () => control.resetCamera())
  canvas.addEventListener('keydown', (event) => {
    const turn = KEYS[event.key]
    if (turn) control.orbit(turn)
    else if (event.key === '0') control.resetCamera()
    else return
    event.preventDefault()
  })
  return canvas
}
