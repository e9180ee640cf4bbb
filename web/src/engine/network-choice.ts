import { h } from '../ui/dom.js'
import { type EngineHandle, NETWORKS, type Network } from './engine.js'

/** Each tab has such a list, and there is one engine: all show the same. */
const lists: HTMLSelectElement[] = []

/** Which network computes. */
export function networkChoice(engine: EngineHandle, onChange: () => void): HTMLElement {
  const select = h(
    'select',
    {
      onchange: () => {
        engine.network = select.value as Network
        for (const list of lists) list.value = select.value
        onChange()
      },
    },
    ...Object.entries(NETWORKS).map(([name, label]) => h('option', { value: name }, label)),
  )
  select.value = engine.network
  lists.push(select)
  return h('label', { className: 'field' }, 'Network', select)
}
