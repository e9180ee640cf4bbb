import { type Animation, FaceError } from 'deepfaceflow'
import type { DeviceClock } from './device-clock.js'
import type { LiveFrame } from './live-session.js'

/** A photo that moves as the face before the camera does: its first frame with a face is the driver's reference. */
export class AnimationSession {
  #state: 'waiting' | 'started' | 'stopped' = 'waiting'
  #isBusy = false
  #counters = { computed: 0, dropped: 0 }

  /** @param canvas what the photo is drawn on */
  constructor(
    readonly animation: Animation,
    readonly clock: DeviceClock,
    readonly canvas: OffscreenCanvas | null,
  ) {}

  /** As of `LiveSession`: frames that come while one is drawn are left out. */
  async push(frame: VideoFrame): Promise<LiveFrame | null> {
    const [begin, busy] = [performance.now(), this.clock.busy]
    const answer = (status: LiveFrame['status'], message: string | null): LiveFrame => ({
      status,
      message,
      angles: null,
      energy: null,
      coefficients: null,
      timing: { whole: performance.now() - begin, device: this.clock.busy - busy },
      counters: { ...this.#counters },
    })
    if (this.#isBusy || this.#state === 'stopped') {
      this.#counters.dropped++
      frame.close()
      return null
    }
    this.#isBusy = true
    try {
      if (this.#state === 'waiting') {
        await this.animation.start(frame)
        if (!this.#isOver) this.#state = 'started'
        return answer('reference', null)
      }
      const { image, status, beyond } = await this.animation.next(frame)
      this.#counters.computed++
      this.#draw(image)
      const far = beyond && 'The photo is held at its limit: the head before the camera is turned further.'
      return answer(
        status === 'held' ? 'lost' : status,
        status === 'held' ? 'No face: the motion is held.' : far,
      )
    } catch (error) {
      if (!(error instanceof FaceError) || error.code !== 'NO_FACE') throw error
      return answer('lost', error.message)
    } finally {
      this.#isBusy = false
      frame.close()
      if (this.#isOver) this.animation.dispose()
    }
  }

  stop(): void {
    this.#state = 'stopped'
    if (!this.#isBusy) this.animation.dispose()
  }

  get #isOver(): boolean {
    return this.#state === 'stopped'
  }

  #draw({ width, height, data }: { width: number; height: number; data: ArrayLike<number> }): void {
    if (!this.canvas) return
    if (this.canvas.width !== width) this.canvas.width = width
    if (this.canvas.height !== height) this.canvas.height = height
    this.canvas
      .getContext('2d')
      ?.putImageData(new ImageData(Uint8ClampedArray.from(data), width, height), 0, 0)
  }
}
