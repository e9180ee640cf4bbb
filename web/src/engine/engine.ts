import { proxy, type Remote, transfer, wrap } from 'comlink'
import type { SceneWorker } from '../scene/scene.worker.js'
import { h, messageOf } from '../ui/dom.js'
import type { EngineWorker, SceneName } from './engine.worker.js'

/** The engine's worker, opened when it is first needed. */

export const NETWORKS = {
  'dffnet-m-small': 'Small (quicker)',
  'dffnet-m-small-8bit': 'Small, half the download',
  'dffnet-m': 'Full',
} as const
export type Network = keyof typeof NETWORKS

export interface EngineHandle {
  readonly worker: Remote<EngineWorker>
  /** Where starting it is told: a line and a bar. */
  readonly status: HTMLElement
  say(line: string): void
  /** Which network the next {@link ready} opens. */
  network: Network
  /** Opens it, or waits until it is open. @throws Error whose message says what is missing */
  ready(): Promise<void>
}

export function createEngine(): EngineHandle {
  const worker = wrap<EngineWorker>(
    new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
  )
  const text = h('span', {}, 'The network is loaded when the first picture comes.')
  const bar = h('progress', { max: 1, hidden: true, 'aria-label': 'Loading' })
  const status = h('p', { className: 'engine', role: 'status' }, text, bar)
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  let opened: { readonly network: Network; readonly done: Promise<void> } | null = null
  const open = async (network: Network) => {
    status.classList.remove('error')
    try {
      const selection = await worker.open(
        network,
        proxy(({ step, bytes }) => {
          bar.hidden = bytes === null
          text.textContent = bytes
            ? `${step}: ${megabytes(bytes.loaded)} of ${megabytes(bytes.total)} MB`
            : step
          if (bytes) bar.value = bytes.loaded / Math.max(1, bytes.total)
        }),
      )
      text.textContent = selection
    } catch (error) {
      opened = null
      text.textContent = messageOf(error)
      status.classList.add('error')
      throw error
    } finally {
      bar.hidden = true
    }
  }
  const handle: EngineHandle = {
    worker,
    status,
    say(line) {
      text.textContent = line
    },
    network: 'dffnet-m-small',
    ready() {
      if (opened?.network !== handle.network) {
        opened = { network: handle.network, done: open(handle.network) }
      }
      return opened.done
    },
  }
  return handle
}

/** A scene's worker, to which the engine sends faces. */
export async function createScene(engine: EngineHandle, tab: SceneName): Promise<Remote<SceneWorker>> {
  const worker = wrap<SceneWorker>(
    new Worker(new URL('../scene/scene.worker.ts', import.meta.url), { type: 'module', name: 'scene' }),
  )
  const { port1, port2 } = new MessageChannel()
  await Promise.all([
    worker.attach(transfer(port1, [port1])),
    engine.worker.attach(tab, transfer(port2, [port2])),
  ])
  void worker.lost().then(() => {
    engine.say(
      "The browser's GPU process ended, and the drawing with it; reload the page to see it again. Flow and its files go on.",
    )
  })
  return worker
}
