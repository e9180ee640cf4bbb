import { expect, test } from 'vitest'
import { PatternSpectrum, PERIODS } from '../../eval/pattern.js'

test('the spectrum of a flow finds what repeats in it, by its period', () => {
  const wave = (period: number) =>
    Float32Array.from({ length: 224 * 224 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 224, Math.floor(i / 3 / 224)]
      return i % 3 === 2 ? 0.001 * x + 0.02 * Math.cos((2 * Math.PI * x) / period) + 0.0005 * y : 5
    })
  for (const [i, period] of PERIODS.entries()) {
    const spectrum = new PatternSpectrum()
    spectrum.add(wave(period), 2)
    const { amplitudes, beside } = spectrum.summary()
    // Along x alone: mean over both directions. At half of the sampling rate both signs of the frequency fall together.
    expect(amplitudes[i]).toBeCloseTo((period === 2 ? 2 : 1) * 0.02 * Math.SQRT1_2, 3)
    for (const [k, amplitude] of amplitudes.entries()) if (k !== i) expect(amplitude).toBeLessThan(2e-4)
    for (const amplitude of beside) expect(amplitude).toBeLessThan(2e-4)
  }
})
