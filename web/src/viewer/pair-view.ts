import type { View } from '../scene/face.js'
import { facts, h, slider } from '../ui/dom.js'
import type { Player } from '../ui/player.js'
import { warningList } from '../ui/view-controls.js'
import type { ResultFacts } from './read-pair.js'

/** Seconds from A to B and back. */
const ROUND = 4

/** The way from A to B under the scene. */
export function pairClock(player: Player, change: (part: Partial<View>) => void): HTMLElement {
  const position = slider(
    'A to B',
    { min: 0, max: 1, step: 0.001, value: 0 },
    (t) => t.toFixed(2),
    (t) => {
      player.pause()
      change({ t })
    },
  )
  player.begin((seconds) => {
    const t = 0.5 - 0.5 * Math.cos((2 * Math.PI * seconds) / ROUND)
    position.set(t)
    change({ t })
  })
  return h('div', { className: 'transport' }, player.button, position.element)
}

/** The numbers of result.json. */
export function pairFacts(result: ResultFacts): HTMLElement[] {
  const { inputs, statistics, weights, adapter, photometric, warnings } = result
  const { yaw, pitch, roll } = (result.rigidPhoto ?? result.rigidTemplate).angles
  const degrees = (value: number) => `${value.toFixed(1)}°`
  return [
    ...warningList(warnings),
    facts([
      ['A', lastPart(inputs.a)],
      ['B', lastPart(inputs.b)],
      ['Mean flow', `${statistics.meanLength.toFixed(2)} px (largest ${statistics.maxLength.toFixed(1)})`],
      ['Depth change', `${statistics.meanDepthChange.toFixed(2)} px`],
      ['Expression', `${statistics.meanExpression.toFixed(2)} px`],
      ['Head', `yaw ${degrees(yaw)}, pitch ${degrees(pitch)}, roll ${degrees(roll)}`],
      [
        'Residual',
        `${photometric.after.toFixed(1)} grey levels (${photometric.before.toFixed(1)} without flow)`,
      ],
      ['Weights', `${weights.name} ${weights.hash.slice(0, 12)}`],
      ['Adapter', adapter],
    ]),
  ]
}

/** The pictures that the command drew, read when they are looked at. */
export function gallery(
  names: readonly string[],
  address: (name: string) => Promise<string | null>,
): HTMLElement {
  const list = h('div', { className: 'gallery' })
  const details = h('details', {}, h('summary', {}, 'Pictures of this result'), list)
  details.addEventListener('toggle', () => {
    if (!details.open || list.childElementCount > 0) return
    for (const name of names) {
      const image = h('img', { alt: name, loading: 'lazy' })
      list.append(h('figure', {}, image, h('figcaption', {}, name)))
      void address(name).then((found) => {
        if (found !== null) image.src = found
      })
    }
  })
  return details
}

/** The name alone: of a long path the panel would show nothing else. */
function lastPart(path: string): string {
  return path.split(/[/\\]/).at(-1) || path
}
