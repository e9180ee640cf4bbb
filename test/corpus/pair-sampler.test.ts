import { describe, expect, it } from 'vitest'
import { corpusOptions } from '../../src/corpus/options.js'
import { type KeptFace, PairSampler } from '../../src/corpus/pair-sampler.js'
import { parseShares, splitOf } from '../../src/corpus/splits.js'

const face = (frame: number, x = frame): KeptFace => ({
  frame,
  time: frame / 25,
  registered: { width: 1, height: 1, data: new Uint8Array(4) },
  mesh: Float32Array.from([x, 0, 0, x, 1, 0]),
  toTemplate: { a: 1, b: 0, tx: 0, ty: 0 },
  pose: { yaw: 0, pitch: 0, roll: 0 },
})

function choose(frames: readonly number[], given: Parameters<typeof corpusOptions>[0], name = 'clip 0') {
  const rejected: string[] = []
  const sampler = new PairSampler(corpusOptions(given), name, (why) => rejected.push(why))
  for (const frame of frames) sampler.add(face(frame))
  return { pairs: sampler.choose().map(({ a, b, gap }) => ({ a: a.frame, b: b.frame, gap })), rejected }
}

const FRAMES = Array.from({ length: 100 }, (_, i) => i)

describe('the choice of pairs', () => {
  it('is even over the gaps, fills up from those that have more, and is in the order of frames', () => {
    const { pairs } = choose(FRAMES, { gaps: [1, 5, 25], perTrack: 9 })
    for (const gap of [1, 5, 25]) expect(pairs.filter((pair) => pair.gap === gap)).toHaveLength(3)
    for (const { a, b, gap } of pairs) expect(b - a).toBe(gap)
    expect(pairs.map(({ a }) => a)).toEqual(pairs.map(({ a }) => a).sort((x, y) => x - y))
    const short = choose(FRAMES.slice(0, 27), { gaps: [1, 25], perTrack: 9 }).pairs
    expect(short.filter(({ gap }) => gap === 25)).toHaveLength(2)
    expect(short).toHaveLength(9)
  })

  it('depends on seed and track, not on when it is made; more pairs hold those of fewer', () => {
    const options = { gaps: [1, 3], perTrack: 6 }
    const { pairs } = choose(FRAMES, options)
    expect(choose(FRAMES, options).pairs).toEqual(pairs)
    expect(choose(FRAMES, { ...options, seed: 2 }).pairs).not.toEqual(pairs)
    expect(choose(FRAMES, options, 'clip 1').pairs).not.toEqual(pairs)
    expect(choose(FRAMES, { ...options, perTrack: 12 }).pairs).toEqual(expect.arrayContaining(pairs))
  })

  it('leaves out pairs across frames that are missing, and those that move too little or too much', () => {
    expect(choose([0, 1, 10, 11, 12], { gaps: [1], perTrack: 9 }).pairs).toHaveLength(3)
    const { pairs, rejected } = choose(FRAMES.slice(0, 10), {
      gaps: [1, 3],
      perTrack: 99,
      minMotion: 2,
      maxMotion: 3,
    })
    expect(pairs.every(({ gap }) => gap === 3)).toBe(true)
    expect(rejected).toHaveLength(9)
  })

  it('refuses options that make no sense', () => {
    for (const bad of [
      { gaps: [] },
      { gaps: [0] },
      { gaps: [1.5] },
      { perTrack: 0 },
      { seed: 0.5 },
      { minMotion: -1 },
    ]) {
      expect(() => corpusOptions(bad)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    }
    expect(() => corpusOptions({ gap: [1] } as never)).toThrow(/"gaps" is meant/)
    expect(() => corpusOptions({ filters: { maxYaw: Number.NaN } })).toThrow(/maxYaw/)
  })
})

describe('splits', () => {
  const shares = parseShares('train=0.8, val=0.1,test=0.1')
  const pair = (entry: string, group: string, track: number) => ({ entry, group, track })

  it('keep a source, or a track, together, in about the shares that are asked for', () => {
    const bySource = { shares, by: 'source' as const, seed: 1 }
    const counts: Record<string, number> = { train: 0, val: 0, test: 0 }
    for (let i = 0; i < 2000; i++) {
      const split = splitOf(pair(`e${i}`, `g${i}`, 0), bySource)
      expect(splitOf(pair('other', `g${i}`, 7), bySource)).toBe(split)
      counts[split] = (counts[split] ?? 0) + 1
    }
    expect(counts.train).toBeGreaterThan(1500)
    expect(Math.min(counts.val ?? 0, counts.test ?? 0)).toBeGreaterThan(130)
    const byTrack = { shares, by: 'track' as const, seed: 1 }
    const tracks = new Set(FRAMES.map((track) => splitOf(pair('e', 'g', track), byTrack)))
    expect(tracks.size).toBe(3)
  })

  it.each(['train', 'train=0.5', 'train=0.5,test=0.6', 'a=1,a=0', 'a=0,b=1', '1a=1', 'a=x'])(
    'refuse %s',
    (text) => {
      expect(() => parseShares(text)).toThrow(/write them like/)
    },
  )
})
