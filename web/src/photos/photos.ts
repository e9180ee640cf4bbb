import { createScene, type EngineHandle } from '../engine/engine.js'
import type { DOWNLOADS } from '../engine/engine.worker.js'
import { networkChoice } from '../engine/network-choice.js'
import { h, messageOf } from '../ui/dom.js'
import { save } from '../ui/save.js'
import { sceneView } from '../ui/scene-view.js'
import { pairFacts } from '../viewer/pair-view.js'
import { flatView } from './flat-view.js'
import { photoSlot } from './photo-slot.js'

/** Two photos: dropped, picked or pasted; their flow, looked at and saved. */
export function photosTab(engine: EngineHandle): HTMLElement {
  const scene = createScene(engine, 'photos')
  const face = sceneView(
    scene,
    ['flow', 'depth', 'expression', 'pncc', 'confidence'],
    'Without head motion the face shows its expression alone.',
  )
  const flat = flatView(scene, (t) => face.change({ t }))
  const status = h('p', { className: 'note', role: 'status' })
  const numbers = h('div', { className: 'panel' })
  const shown = h(
    'div',
    { className: 'result', hidden: true },
    h('div', { className: 'main' }, flat.element, flat.controls),
    h('div', { className: 'main' }, face.element, face.controls),
    numbers,
  )

  const detect = async (photo: File) => {
    await engine.ready()
    return await engine.worker.detect(photo)
  }
  const slots = {
    a: photoSlot('A', detect, () => void compute()),
    b: photoSlot('B', detect, () => void compute()),
  }
  let asked = 0
  async function compute(): Promise<void> {
    const [a, b] = [slots.a.photo, slots.b.photo]
    if (!a || !b) return
    const number = ++asked
    status.classList.remove('error')
    status.textContent = 'Computing the flow …'
    shown.setAttribute('aria-busy', 'true')
    try {
      await engine.ready()
      const begin = performance.now()
      const facts = await engine.worker.flow(
        { a, b },
        { a: a.name, b: b.name },
        { a: slots.a.face ?? 0, b: slots.b.face },
      )
      // Another photo or face was chosen meanwhile.
      if (number !== asked) return
      status.textContent = `Flow computed in ${Math.round(performance.now() - begin)} ms on this machine.`
      numbers.replaceChildren(...pairFacts(facts), downloads(engine, status))
      shown.hidden = false
      shown.dataset.number = String(number)
    } catch (error) {
      if (number !== asked) return
      status.textContent = messageOf(error)
      status.classList.add('error')
    } finally {
      if (number === asked) shown.removeAttribute('aria-busy')
    }
  }

  const element = h(
    'section',
    { className: 'photos', 'aria-label': 'Two photos' },
    h('div', { className: 'slots' }, slots.a.element, slots.b.element),
    h(
      'div',
      { className: 'bar' },
      networkChoice(engine, () => void compute()),
      h(
        'button',
        { type: 'button', onclick: () => void demo() },
        'Take two frames that come with the package',
      ),
    ),
    status,
    shown,
  )
  const demo = async () => {
    const [a, b] = await Promise.all(DEMO.map(demoPhoto))
    if (a && b) await Promise.all([slots.a.take(a), slots.b.take(b)])
  }
  /** Two at once fill both; one goes where it was dropped, else where there is none yet. */
  const take = (files: readonly File[], target: EventTarget | null) => {
    const photos = files.filter((file) => file.type.startsWith('image/'))
    const [first, second] = photos
    if (!first) {
      status.textContent = 'That is no picture; give JPEG, PNG or WebP.'
      status.classList.add('error')
      return
    }
    const inB = target instanceof Node && slots.b.element.contains(target)
    const inA = target instanceof Node && slots.a.element.contains(target)
    if (second) {
      void slots.a.take(first)
      void slots.b.take(second)
    } else if (inB || (!inA && slots.a.photo !== null)) void slots.b.take(first)
    else void slots.a.take(first)
  }
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    take([...(event.dataTransfer?.files ?? [])], event.target)
  })
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])]
    // Who has just clicked a face of one photo pastes the other.
    const isOneMissing = (slots.a.photo === null) !== (slots.b.photo === null)
    if (!element.hidden && files.length > 0) take(files, isOneMissing ? null : event.target)
  })
  return element
}

const DEMO: readonly (readonly [string, URL])[] = [
  ['franck_01829.jpg', new URL('../../../demo/franck_01829.jpg', import.meta.url)],
  ['franck_04117.jpg', new URL('../../../demo/franck_04117.jpg', import.meta.url)],
]

async function demoPhoto([name, url]: (typeof DEMO)[number]): Promise<File> {
  return new File([await (await fetch(url)).blob()], name, { type: 'image/jpeg' })
}

function downloads(engine: EngineHandle, status: HTMLElement): HTMLElement {
  const names: readonly (typeof DOWNLOADS)[number][] = [
    'flow.npy',
    'flow.flo',
    'motion.glb',
    'overview.png',
    'result.json',
  ]
  return h(
    'div',
    { className: 'downloads', role: 'group', 'aria-label': 'Save' },
    ...names.map((name) =>
      h(
        'button',
        {
          type: 'button',
          onclick: async () => {
            try {
              save(await engine.worker.file(name), name)
            } catch (error) {
              status.textContent = messageOf(error)
              status.classList.add('error')
            }
          },
        },
        name,
      ),
    ),
  )
}
