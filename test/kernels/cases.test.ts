import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/runtime/engine.js'
import { allCases } from '../cases/index.js'
import { runCase, runsOf } from './run-case.js'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

describe('every op against its float64 reference', () => {
  it('covers at least 150 cases with unique names', () => {
    expect(new Set(allCases.map((c) => c.name)).size).toBe(allCases.length)
    expect(allCases.length).toBeGreaterThanOrEqual(150)
  })

  for (const opCase of allCases) {
    const bounds = opCase.bounds ?? { nmse: 1e-10, maxError: 1e-4 }
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
        const run = runCase(engine, opCase, schedule, undefined, 'f16')
        if (!engine.caps.f16) {
          await expect(run).rejects.toMatchObject({ code: 'UNSUPPORTED' })
        } else {
          const { nmse } = await run
          expect(nmse, opCase.name).toBeLessThanOrEqual(opCase.f16Nmse ?? 1e-5)
        }
      }
    },
    600_000,
  )
})
