import { expect } from 'vitest'
import type { EngineError } from '../../src/errors.js'

/** What a refused node throws: an INVALID_GRAPH error whose message matches. */
export function invalidGraph(message: RegExp) {
  return expect.objectContaining<Partial<EngineError>>({
    code: 'INVALID_GRAPH',
    message: expect.stringMatching(message) as unknown as string,
  })
}
