import { curves } from '../ui/curves.js'
import { h, slider } from '../ui/dom.js'
import type { Player } from '../ui/player.js'
import type { FrameLine } from './read-video.js'

const STATUS: Readonly<Record<FrameLine['status'], string>> = {
  'no-face': 'no face yet',
  reference: 'the first frame with the face',
  ok: 'followed',
  regained: 'found again',
  lost: 'the face is not there',
  unreadable: 'cannot be read',
}

/** What a video is played with, and the picture of the frame that is shown. */
export interface VideoView {
  readonly clock: HTMLElement
  readonly picture: HTMLImageElement
}

/**
 * Time line and curves of a video.
 * @param showFrame moves the face to a frame; calls do not overlap, and frames that pass meanwhile are left out
 */
export function videoView(
  frames: readonly FrameLine[],
  player: Player,
  showFrame: (frame: number) => Promise<void>,
  address: (name: string) => Promise<string | null>,
): VideoView {
  const times = frames.map(({ time }) => time)
  const picture = h('img', {
    className: 'overlay',
    alt: 'Frame of the video with the moved mesh, and its flow',
    onerror: () => {
      picture.hidden = true
    },
    onload: () => {
      picture.hidden = false
    },
  })
  const line = h('p', { className: 'note' })
  const jump = (index: number) => {
    player.pause()
    go(index)
  }
  const head = curves('Head, against the first frame', jump)
  const energy = curves('Mean motion from the frame before', jump)
  const values = (pick: (frame: FrameLine) => number | undefined) =>
    frames.map((frame) => pick(frame) ?? null)
  head.show(times, [
    { name: 'yaw', colour: '--series-1', unit: '°', values: values(({ angles }) => angles?.yaw) },
    { name: 'pitch', colour: '--series-2', unit: '°', values: values(({ angles }) => angles?.pitch) },
    { name: 'roll', colour: '--series-3', unit: '°', values: values(({ angles }) => angles?.roll) },
  ])
  energy.show(times, [
    { name: 'all', colour: '--series-1', unit: 'px', values: values((frame) => frame.energy?.motion) },
    {
      name: 'expression',
      colour: '--series-2',
      unit: 'px',
      values: values((frame) => frame.energy?.expression),
    },
  ])
  const position = slider(
    'Frame',
    { min: 0, max: Math.max(0, frames.length - 1), step: 1, value: 0 },
    (index) => `${(times[index] ?? 0).toFixed(2)} s`,
    jump,
  )

  let current = -1
  let isMoving = false
  const go = (index: number) => {
    const frame = frames[index]
    if (!frame || index === current) return
    current = index
    position.set(index)
    head.mark(index)
    energy.mark(index)
    const cut = frame.cut ? ', after a cut' : ''
    line.textContent = `Frame ${frame.frame}: ${STATUS[frame.status]}${cut}${frame.message ? `. ${frame.message}` : ''}`
    void address(`overlay/${String(frame.frame).padStart(6, '0')}.jpg`).then((found) => {
      if (found !== null && current === index) picture.src = found
    })
    if (!isMoving) void follow()
  }
  const follow = async () => {
    isMoving = true
    try {
      for (let moved = -1; moved !== current; ) {
        moved = current
        await showFrame(frames[moved]?.frame ?? 0)
      }
    } finally {
      isMoving = false
    }
  }
  player.begin((seconds) => {
    const step = times.length > 1 ? (times.at(-1) as number) / (times.length - 1) : 1
    const due = seconds % ((times.at(-1) ?? 0) + step)
    const next = times.findIndex((time) => time > due)
    go(next < 0 ? times.length - 1 : Math.max(0, next - 1))
  })
  go(0)
  const clock = h(
    'div',
    { className: 'timeline' },
    h('div', { className: 'transport' }, player.button, position.element),
    line,
    head.element,
    energy.element,
  )
  return { clock, picture }
}
