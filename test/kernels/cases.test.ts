import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/runtime/engine.js'
import { allCases } from '../cases/index.js'
import { openWithF16 } from '../support/f16-engine.js'
import { CASE_BOUNDS, F16_NMSE, runCase, runsOf } from './run-case.js'

let engine: Engine
/** Of an adapter with shader-f16, where there is one. */
let halfEngine: Engine

beforeAll(async () => {
  engine = await Engine.open()
  halfEngine = await openWithF16()
})

afterAll(() => {
  engine.dispose()
  halfEngine.dispose()
})

describe('every op against its float64 reference', () => {
  it('covers at least 150 cases with unique names', () => {
    expect(new Set(allCases.map((c) => c.name)).size).toBe(allCases.length)
    expect(allCases.length).toBeGreaterThanOrEqual(150)
  })

  for (const opCase of allCases) {
    const bounds = opCase.bounds ?? CASE_BOUNDS
    for (const { schedule, variant } of runsOf(opCase)) {
      it(`${opCase.name} [${schedule}${variant === undefined ? '' : ` ${variant}`}]`, async () => {
        const { nmse, maxError, range } = await runCase(engine, opCase, schedule, variant)
        expect(nmse).toBeLessThanOrEqual(bounds.nmse)
        expect(maxError).toBeLessThanOrEqual(bounds.maxError * Math.max(range, 1e-3))
      })
    }
  }
})

describe('f16 storage', () => {
  it.each(['software', 'hardware'] as const)(
    'stays within half precision of the reference, or is refused where the adapter lacks it: %s',
    async (schedule) => {
      for (const opCase of allCases) {
        const own = runsOf(opCase).flatMap((run) => (run.schedule === schedule ? [run.variant] : []))
        for (const variant of new Set([undefined, ...own])) {
          const run = runCase(halfEngine, opCase, schedule, variant, 'f16')
          if (!halfEngine.caps.f16) {
            await expect(run).rejects.toMatchObject({ code: 'UNSUPPORTED' })
          } else {
            const { nmse } = await run
            expect(nmse, `${opCase.name} ${variant ?? ''}`).toBeLessThanOrEqual(F16_NMSE)
          }
        }
      }
    },
    600_000,
  )
})
