import { transfer, wrap } from 'comlink'
import { FIRST_VIEW, type View } from '../scene/face.js'
import { facts, h, messageOf } from '../ui/dom.js'
import { createPlayer } from '../ui/player.js'
import { stage } from '../ui/stage.js'
import { viewControls, warningList } from '../ui/view-controls.js'
import { gallery, pairClock, pairFacts } from './pair-view.js'
import type { ResultFiles } from './result-files.js'
import { videoView } from './video-view.js'
import type { Shown, ViewerWorker } from './viewer.worker.js'

/** The viewer of one result: scene, controls, numbers, and the time line of a video. */
export interface Viewer {
  readonly element: HTMLElement
  show(kind: 'pair' | 'video', source: ResultFiles): Promise<void>
  /** What is said in the scene's place; '' for nothing. */
  say(message: string, isError?: boolean): void
}

/** @param address of a picture of the result that is shown, for `img`; null where there is none */
export function createViewer(address: (name: string) => Promise<string | null>): Viewer {
  const worker = wrap<ViewerWorker>(
    new Worker(new URL('./viewer.worker.ts', import.meta.url), { type: 'module', name: 'viewer' }),
  )
  const player = createPlayer()
  let view: View = FIRST_VIEW
  const change = (part: Partial<View>) => {
    view = { ...view, ...part }
    void worker.set(view)
  }
  const canvas = stage('Face in 3D', {
    resize: (...size) => void opened.then(() => worker.resize(...size)),
    orbit: (turn) => void worker.orbit(turn),
    resetCamera: () => void worker.resetCamera(),
  })
  const opened = startScene(canvas, worker)
  // Said when a result is asked for.
  opened.catch(() => undefined)
  const status = h('p', { className: 'status', role: 'status' })
  const clock = h('div', { className: 'clock' })
  const panel = h('div', { className: 'panel' })
  const element = h(
    'section',
    { className: 'viewer', 'aria-label': 'Viewer' },
    h('div', { className: 'main' }, h('div', { className: 'scene' }, canvas, status), clock),
    panel,
  )
  const say = (message: string, isError = false) => {
    status.textContent = message
    status.classList.toggle('error', isError)
    status.hidden = message === ''
  }
  void opened
    .then(() => worker.lost())
    .then(
      () =>
        say(
          "The browser's GPU process ended, and the drawing with it; reload the page to see it again.",
          true,
        ),
      // Said where the result is opened.
      () => undefined,
    )
  const controls = ({ isDense, layers }: Shown, note: string) =>
    viewControls(isDense ? layers : null, note, change, () => void worker.resetCamera())

  function showPair(shown: Extract<Shown, { kind: 'pair' }>): void {
    const pictures = shown.facts.files.filter((name) => name.endsWith('.png')).reverse()
    clock.replaceChildren(pairClock(player, change))
    panel.replaceChildren(
      controls(shown, 'Without head motion the face shows its expression alone.'),
      ...warningList(shown.gaps),
      ...pairFacts(shown.facts),
      gallery(pictures, address),
    )
  }

  function showVideo(shown: Extract<Shown, { kind: 'video' }>): void {
    const { frames, gaps, input, hasFace } = shown
    const video = videoView(
      frames,
      player,
      async (frame) => {
        if (hasFace) change({ t: (await worker.showFrame(frame)) ? 1 : 0 })
      },
      address,
    )
    clock.replaceChildren(video.clock)
    panel.replaceChildren(
      ...(hasFace
        ? [
            controls(
              shown,
              'The face of the first frame, moved by the flow. Without head motion: expression alone.',
            ),
          ]
        : []),
      ...warningList(gaps),
      video.picture,
      facts([
        ['Video', input],
        ['Frames', `${frames.length}, ${frames.filter(({ energy }) => energy).length} with flow`],
      ]),
    )
  }

  return {
    element,
    say,
    async show(kind, source) {
      player.pause()
      delete element.dataset.shown
      say('Reading the result …')
      try {
        await opened
        const shown = kind === 'pair' ? await worker.showPair(source) : await worker.showVideo(source)
        change(FIRST_VIEW)
        if (shown.kind === 'pair') showPair(shown)
        else showVideo(shown)
        say(shown.hasFace ? '' : (shown.gaps[0] ?? ''))
        element.dataset.shown = kind
        if (!matchMedia('(prefers-reduced-motion: reduce)').matches) player.play()
      } catch (error) {
        panel.replaceChildren()
        clock.replaceChildren()
        say(messageOf(error), true)
      }
    },
  }
}

/** @throws Error where the browser cannot draw in 3D in a worker */
async function startScene(
  canvas: HTMLCanvasElement,
  worker: ReturnType<typeof wrap<ViewerWorker>>,
): Promise<void> {
  if (!('transferControlToOffscreen' in canvas)) {
    throw new Error(
      'This browser cannot draw in a worker (OffscreenCanvas); use a current Chrome, Edge, Firefox or Safari.',
    )
  }
  const surface = canvas.transferControlToOffscreen()
  try {
    await worker.open(transfer(surface, [surface]))
  } catch (error) {
    throw new Error(`This browser cannot draw in 3D here (WebGL 2): ${messageOf(error)}`)
  }
}
