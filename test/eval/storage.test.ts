import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readPairs } from '../../eval/pairs.js'
import { storageDifference } from '../../eval/storage-difference.js'
import type { Engine } from '../../src/runtime/engine.js'
import { openWithF16 } from '../support/f16-engine.js'

let engine: Engine
beforeAll(async () => {
  engine = await openWithF16()
})
afterAll(() => engine.dispose())

describe('f16 storage of the shipped pair', () => {
  it.each(['software', 'hardware'] as const)(
    'keeps the flow within 0.02 px on average and 0.5 px everywhere, or is refused where the adapter lacks it: %s',
    async (schedule) => {
      // The two pairs of each set whose flow moved most before places and displacements were kept in f32.
      const sets = { rendered: ['007', '009'], photowarp: ['002', '009'] }
      const pairs = await Promise.all(
        Object.entries(sets).map(async ([set, names]) =>
          (await readPairs(join('test', 'fixtures', 'eval', set))).filter(({ name }) => names.includes(name)),
        ),
      )
      const compared = storageDifference(engine, pairs.flat(), { schedule })
      if (!engine.caps.f16) {
        await expect(compared).rejects.toMatchObject({ code: 'UNSUPPORTED' })
        return
      }
      const { pairs: differences, f32, f16 } = await compared
      expect(differences).toHaveLength(4)
      for (const { pair, mean, worst } of differences) {
        expect(mean, pair).toBeLessThan(0.02)
        expect(worst, pair).toBeLessThan(0.5)
      }
      expect(f16.weights).toBeLessThan(0.75 * f32.weights)
      expect(f16.tensors).toBeLessThan(0.75 * f32.tensors)
    },
    600_000,
  )
})
