import { h } from '../ui/dom.js'
import { type EngineHandle, NETWORKS, type Network } from './engine.js'

/** Which network computes. */
export function networkChoice(engine: EngineHandle, onChange: () => void): HTMLElement {
  const select = h(
    'select',
    {
      onchange: () => {
        engine.network = select.value as Network
        onChange()
      },
    },
    ...Object.entries(NETWORKS).map(([name, label]) => h('option', { value: name }, label)),
  )
  return h('label', { className: 'field' }, 'Network', select)
}
