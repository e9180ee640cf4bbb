import { expect, it } from 'vitest'
import * as browser from '../../src/platform/browser/index.js'
import * as node from '../../src/platform/index.js'

/** The build for browsers puts one module in the other's place: what is taken from the seam is there, and is used alike. */

it('both platforms export the same, callable by the same arguments', () => {
  const exchanged: Omit<typeof node, 'KernelSource'> = browser
  expect(Object.keys(exchanged).sort()).toEqual(Object.keys(node).sort())
})
