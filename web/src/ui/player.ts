import { h } from './dom.js'

/** Plays and pauses: seconds since the start, once for each picture of the screen. */
export interface Player {
  readonly button: HTMLButtonElement
  /** From 0, paused; `show` is called while it plays. */
  begin(show: (seconds: number) => void): void
  play(): void
  pause(): void
}

/** After a pause of the page (another tab) time goes on where it was, s. */
const LONGEST_STEP = 0.1

export function createPlayer(): Player {
  let show: (seconds: number) => void = () => undefined
  let isPlaying = false
  let seconds = 0
  let before = 0
  const button = h('button', {
    type: 'button',
    className: 'play',
    onclick: () => (isPlaying ? pause() : play()),
  })
  const write = () => {
    button.textContent = isPlaying ? 'Pause' : 'Play'
  }
  const step = (now: number) => {
    if (!isPlaying) return
    seconds += Math.min(LONGEST_STEP, (now - before) / 1000)
    before = now
    show(seconds)
    requestAnimationFrame(step)
  }
  const play = () => {
    if (isPlaying) return
    isPlaying = true
    before = performance.now()
    write()
    requestAnimationFrame(step)
  }
  const pause = () => {
    isPlaying = false
    write()
  }
  write()
  return {
    button,
    play,
    pause,
    begin(next) {
      pause()
      show = next
      seconds = 0
    },
  }
}
