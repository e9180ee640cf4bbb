import { describe, expect, it } from 'vitest'
import { Calibration, FlowErrors, percentile, STATE } from '../../eval/errors.js'

describe('flow errors', () => {
  it('are means over visible pixels, occluded ones apart, the rest left out', () => {
    const errors = new FlowErrors()
    errors.add(3, 4, 0, STATE.visible)
    errors.add(0, 0, 1, STATE.visible)
    errors.add(0, 6, 8, STATE.occluded)
    errors.add(99, 99, 99, STATE.behindOccluder)
    errors.add(99, 99, 99, STATE.background)
    expect(errors.summary()).toMatchObject({
      epe3d: 3,
      epe2d: 2.5,
      dz: 0.5,
      p50: 3,
      outliers: 0.5,
      occluded_epe3d: 10,
      occluded_epe2d: 6,
      occluded_share: 1 / 3,
    })
  })

  it('percentiles interpolate between ranks', () => {
    const sorted = Float64Array.of(0, 1, 2, 3)
    expect(percentile(sorted, 0.5)).toBe(1.5)
    expect(percentile(sorted, 0)).toBe(0)
    expect(percentile(sorted, 1)).toBe(3)
    expect(percentile(sorted, 0.9)).toBeCloseTo(2.7)
  })
})

describe('confidence', () => {
  it('is set against the share of pixels that are right', () => {
    const calibration = new Calibration()
    for (const error of [0.2, 0.9, 1.1, 5]) calibration.add(0.75, error, STATE.visible)
    calibration.add(1, 0.5, STATE.occluded)
    calibration.add(1, 9, STATE.behindOccluder)
    const { bins, error } = calibration.summary()
    expect(bins[7]).toEqual({ share: 0.8, confidence: 0.75, right: 0.5 })
    expect(bins[9]).toEqual({ share: 0.2, confidence: 1, right: 1 })
    expect(error).toBeCloseTo(0.8 * 0.25)
  })
})
