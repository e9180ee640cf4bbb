import { expect, it } from 'vitest'
import { checkedAnimateOptions } from '../../src/animate/checked-options.js'
import { type AnimationMeans, prepareAnimation } from '../../src/animate/prepare-animation.js'
import { mouthOpening, PHOTO_A, syntheticResult } from '../support/synthetic.js'

it('is given up where its signal is aborted while it waits, before anything else is computed', async () => {
  const { a } = await syntheticResult(mouthOpening)
  const stop = new AbortController()
  const faces = {
    async detect() {
      stop.abort(new Error('enough'))
      return [a]
    },
  }
  const options = checkedAnimateOptions({ signal: stop.signal })
  const prepared = prepareAnimation({ faces } as unknown as AnimationMeans, PHOTO_A, options)
  await expect(prepared).rejects.toThrow('enough')
})
