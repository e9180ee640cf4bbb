import './style.css'
import { createEngine } from './engine/engine.js'
import { liveTab } from './live/live.js'
import { photosTab } from './photos/photos.js'
import { h } from './ui/dom.js'
import { viewerTab } from './viewer/viewer-tab.js'

/** The page that computes: two photos, live, and the viewer. */

const engine = createEngine()
const TABS = {
  photos: { title: 'Two photos', make: () => photosTab(engine) },
  live: { title: 'Live', make: () => liveTab(engine) },
  viewer: { title: 'Viewer', make: viewerTab },
} as const
type TabName = keyof typeof TABS

const names = Object.keys(TABS) as TabName[]
const made = new Map<TabName, HTMLElement>()
const main = document.querySelector('main') as HTMLElement
const buttons = new Map(
  names.map((name) => [
    name,
    h(
      'button',
      { type: 'button', role: 'tab', id: `tab-${name}`, onclick: () => open(name) },
      TABS[name].title,
    ),
  ]),
)
const list = h('div', { className: 'tabs', role: 'tablist', 'aria-label': 'What to do' }, ...buttons.values())
list.addEventListener('keydown', (event) => {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  if (step === 0) return
  const at = names.findIndex((name) => buttons.get(name) === document.activeElement)
  const next = names[(at + step + names.length) % names.length] as TabName
  open(next)
  buttons.get(next)?.focus()
})

function open(name: TabName): void {
  let tab = made.get(name)
  if (!tab) {
    tab = TABS[name].make()
    tab.setAttribute('role', 'tabpanel')
    tab.setAttribute('aria-labelledby', `tab-${name}`)
    made.set(name, tab)
    main.append(tab)
  }
  for (const [other, element] of made) element.hidden = other !== name
  for (const [other, button] of buttons) {
    button.setAttribute('aria-selected', String(other === name))
    button.tabIndex = other === name ? 0 : -1
  }
  history.replaceState(null, '', `#${name}`)
}

main.before(list, engine.status)
const asked = location.hash.slice(1) as TabName
open(names.includes(asked) ? asked : 'photos')
