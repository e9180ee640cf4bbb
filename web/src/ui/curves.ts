import { h } from './dom.js'

/** Numbers over time, with a mark at one of the times. */

export interface Series {
  readonly name: string
  /** A colour of the style sheet. */
  readonly colour: string
  readonly unit: string
  /** Null: not there at this time. */
  readonly values: readonly (number | null)[]
}

export interface Curves {
  readonly element: HTMLElement
  /** @param times s, rising */
  show(times: readonly number[], series: readonly Series[]): void
  /** Marks a time and writes the values there. */
  mark(index: number): void
}

const HEIGHT = 96
const RIM = 4

/** @param onPick index of the time that was clicked at */
export function curves(title: string, onPick?: (index: number) => void): Curves {
  const canvas = h('canvas', { className: 'curves', 'aria-hidden': 'true' })
  const legend = h('p', { className: 'legend' })
  const element = h('figure', { className: 'plot' }, h('figcaption', {}, title), canvas, legend)
  let times: readonly number[] = []
  let series: readonly Series[] = []
  let marked = 0
  let isDue = false

  const x = (time: number, width: number) => {
    const [first = 0, last = 1] = [times[0], times.at(-1)]
    return RIM + ((time - first) / Math.max(1e-9, last - first)) * (width - 2 * RIM)
  }
  const draw = () => {
    isDue = false
    const width = canvas.clientWidth
    const ratio = Math.min(2, devicePixelRatio)
    canvas.width = width * ratio
    canvas.height = HEIGHT * ratio
    const context = canvas.getContext('2d')
    if (!context || width === 0) return
    context.scale(ratio, ratio)
    const style = getComputedStyle(canvas)
    const shown = series.flatMap(({ values }) => values.filter((value) => value !== null))
    const [low, high] = [Math.min(0, ...shown), Math.max(1, ...shown)]
    const y = (value: number) => HEIGHT - RIM - ((value - low) / (high - low)) * (HEIGHT - 2 * RIM)
    const line = (colour: string, points: Iterable<readonly [number, number] | null>) => {
      context.strokeStyle = style.getPropertyValue(colour)
      context.beginPath()
      let isDown = false
      for (const point of points) {
        if (point === null) isDown = false
        else {
          if (isDown) context.lineTo(...point)
          else context.moveTo(...point)
          isDown = true
        }
      }
      context.stroke()
    }
    context.lineWidth = 1
    line('--line', [
      [RIM, y(0)],
      [width - RIM, y(0)],
    ])
    context.lineWidth = 1.75
    for (const { colour, values } of series) {
      line(
        colour,
        values.map((value, i) =>
          value === null ? null : ([x(times[i] as number, width), y(value)] as const),
        ),
      )
    }
    const time = times[marked]
    if (time === undefined) return
    context.lineWidth = 1
    line('--text', [
      [x(time, width), 0],
      [x(time, width), HEIGHT],
    ])
  }
  const redraw = () => {
    if (isDue) return
    isDue = true
    requestAnimationFrame(draw)
  }
  new ResizeObserver(redraw).observe(canvas)
  const write = () => {
    legend.replaceChildren(
      ...series.map(({ name, colour, unit, values }) => {
        const value = values[marked]
        const text = value === null || value === undefined ? '–' : `${value.toFixed(1)} ${unit}`
        return h('span', { style: `--mark: var(${colour})` }, `${name} ${text}`)
      }),
    )
  }
  if (onPick) {
    const pick = (event: PointerEvent) => {
      const at = event.offsetX
      let best = 0
      times.forEach((time, i) => {
        const far = (k: number) => Math.abs(x(k, canvas.clientWidth) - at)
        if (far(time) < far(times[best] as number)) best = i
      })
      onPick(best)
    }
    canvas.addEventListener('pointerdown', pick)
    canvas.addEventListener('pointermove', (event) => {
      if (event.buttons & 1) pick(event)
    })
  }
  return {
    element,
    show(newTimes, newSeries) {
      times = newTimes
      series = newSeries
      write()
      redraw()
    },
    mark(index) {
      marked = index
      write()
      redraw()
    },
  }
}
