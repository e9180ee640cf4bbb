import { describe, expect, it } from 'vitest'
import type { VideoStep } from '../../src/face/types.js'
import { LatestFrames } from '../../src/face/video/live.js'
import type { PhotoInput } from '../../src/geometry/types.js'

/** A tracker that ends a frame when it is told to; the step of a frame is its first byte. */
function slowTracker() {
  const begun: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const next = (frame: PhotoInput): Promise<VideoStep> => {
    const id = (frame as Uint8Array)[0] as number
    begun.push(id)
    return new Promise((resolve, reject) => {
      ends[id] = (error) => (error ? reject(error) : resolve(id as unknown as VideoStep))
    })
  }
  return { begun, next, end: (id: number, error?: Error) => ends[id]?.(error) }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('frames of a live source', () => {
  it('are dropped for newer ones while two are under way', async () => {
    const tracker = slowTracker()
    const live = new LatestFrames(tracker)
    const results: unknown[] = []
    for (let id = 0; id < 6; id++) {
      const frame = Uint8Array.of(id)
      void live.push(frame).then((step) => results.push([id, step]))
      // The camera fills it again.
      frame[0] = 99
    }
    await turns()
    expect(tracker.begun).toEqual([0, 1])
    expect(results).toEqual([
      [2, undefined],
      [3, undefined],
      [4, undefined],
    ])
    tracker.end(0)
    await turns()
    expect(tracker.begun).toEqual([0, 1, 5])
    tracker.end(1)
    await turns()
    void live.push(Uint8Array.of(6))
    await turns()
    expect(tracker.begun).toEqual([0, 1, 5, 6])
    tracker.end(5)
    tracker.end(6)
    await turns()
    expect(live.counters).toEqual({ pushed: 7, computed: 4, dropped: 3, failed: 0 })
  })

  it('that fail are counted, told to who pushed them, and give their place away', async () => {
    const tracker = slowTracker()
    const live = new LatestFrames(tracker)
    const lost = live.push(Uint8Array.of(0))
    const pushed = [1, 2].map((id) => live.push(Uint8Array.of(id)))
    await turns()
    tracker.end(0, new Error('no face'))
    await expect(lost).rejects.toThrow('no face')
    await turns()
    for (const id of [1, 2]) tracker.end(id)
    expect(await Promise.all(pushed)).toEqual([1, 2])
    expect(live.counters).toEqual({ pushed: 3, computed: 2, dropped: 0, failed: 1 })
  })
})
