import type { Rgba } from '../src/index.js'

/** What other cameras and lamps would have made of a picture, one after the other: brighter and darker curves, a longer exposure, a warm lamp. */
const TONES: readonly ((level: number, channel: number) => number)[] = [
  (level) => 255 * (level / 255) ** 0.8,
  (level) => 255 * (level / 255) ** 1.25,
  (level) => 1.2 * level,
  (level, channel) => ([1.12, 1, 0.85][channel] as number) * level,
]

/** A picture in the `index`-th of the tones, in turn. */
export function inOtherTone({ width, height, data }: Rgba, index: number): Rgba {
  const tone = TONES[index % TONES.length] as (typeof TONES)[0]
  const changed = data.map((level, i) =>
    i % 4 === 3 ? level : Math.round(Math.min(255, tone(level, i % 4))),
  )
  return { width, height, data: changed }
}
