import { FIRST_VIEW, LAYERS, type LayerName, type View } from '../scene/face.js'
import { choice, h, tick } from './dom.js'

/**
 * How the face is shown.
 * @param layers what the dense surface can be painted with beside photo and plain; null without a dense surface
 * @param note says what head motion on and off means here
 */
export function viewControls(
  layers: readonly LayerName[] | null,
  note: string,
  onChange: (part: Partial<View>) => void,
  onReset: () => void,
): HTMLFormElement {
  const colour = h(
    'select',
    { onchange: () => onChange({ layer: colour.value as LayerName }) },
    ...(['photo', ...(layers ?? []), 'plain'] as const).map((name) =>
      h('option', { value: name }, LAYERS[name]),
    ),
  )
  const painted = h('label', { className: 'field' }, 'Colour', colour)
  painted.hidden = true
  const surface = choice('Surface', { mesh: 'Mesh', dense: 'Every pixel' }, FIRST_VIEW.surface, (name) => {
    painted.hidden = name === 'mesh'
    onChange({ surface: name })
  })
  surface.disabled = layers === null
  return h(
    'form',
    { className: 'controls', onsubmit: (event: Event) => event.preventDefault() },
    surface,
    painted,
    h(
      'div',
      { className: 'ticks' },
      tick('Wireframe', (wireframe) => onChange({ wireframe })),
      tick('Arrows', (arrows) => onChange({ arrows })),
      tick('Head motion', (rigid) => onChange({ rigid }), FIRST_VIEW.rigid),
    ),
    h('p', { className: 'note' }, note),
    h('button', { type: 'button', onclick: onReset }, 'First view'),
  )
}

/** Warnings and what cannot be shown; nothing where there are none. */
export function warningList(texts: readonly string[]): HTMLElement[] {
  return texts.length === 0
    ? []
    : [h('ul', { className: 'warnings' }, ...texts.map((text) => h('li', {}, text)))]
}
