import './style.css'
import { h, messageOf } from './ui/dom.js'
import { createViewer } from './viewer/viewer.js'

/** The page that the command serves: results of one folder. */

interface ResultList {
  readonly title: string
  readonly results: readonly { readonly name: string; readonly kind: 'pair' | 'video' }[]
}

const main = document.querySelector('main') as HTMLElement
let base = ''
const viewer = createViewer(async (name) => new URL(name, base).href)

async function start(): Promise<void> {
  const response = await fetch('results.json')
  if (!response.ok) throw new Error(await response.text())
  const { title, results } = (await response.json()) as ResultList
  document.title = `${title} – deepfaceflow`
  const heading = document.querySelector('.title') as HTMLElement
  heading.textContent = title
  const show = async (index: number) => {
    const result = results[index]
    if (!result) return
    const folder = result.name === '' ? '' : `${encodeURIComponent(result.name)}/`
    base = new URL(`result/${folder}`, location.href).href
    await viewer.show(result.kind, { base })
  }
  if (results.length > 1) {
    const list = h(
      'select',
      { onchange: () => void show(list.selectedIndex) },
      ...results.map(({ name }) => h('option', {}, name)),
    )
    heading.after(h('label', { className: 'field' }, 'Result', list))
  }
  await show(0)
}

main.append(viewer.element)
start().catch((error: unknown) => viewer.say(messageOf(error), true))
