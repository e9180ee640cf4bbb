import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { fragmentMask, interpolate } from '../../src/ops/mesh/interpolate.js'
import { type RasteriseAttrs, rasterise } from '../../src/ops/mesh/rasterise.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import type { RefTensor } from '../cases/case.js'
import { gridTriangles } from '../cases/raster.js'
import { randomArray, seededRandom } from '../random.js'
import { coverage } from '../reference/raster.js'

let engine: Engine
/** Kernels of the plans: tiles on hardware where triangles are few, else a walk of their boxes. */
let schedule: Schedule

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

/** A plan from vertices (input `vertices`) to fragments (output `fragments`). */
async function rasterPlan(vertices: number, attrs: RasteriseAttrs): Promise<Plan> {
  const graph = new GraphBuilder('raster')
  const input = inputTensor(graph, 'vertices', { n: 1, h: 1, w: vertices, c: 3 })
  outputTensor(graph, 'fragments', rasterise(graph, 'rasterise', input, attrs))
  return await engine.compile(graph.build(), { schedule })
}

async function draw(plan: Plan, vertices: ArrayLike<number>): Promise<Float32Array> {
  const { fragments } = await plan.compute({ vertices: Float32Array.from(vertices) })
  return fragments as Float32Array
}

/** Compiles for one drawing only. */
async function drawOnce(vertices: readonly number[], attrs: RasteriseAttrs): Promise<Float32Array> {
  const plan = await rasterPlan(vertices.length / 3, attrs)
  try {
    return await draw(plan, vertices)
  } finally {
    plan.dispose()
  }
}

const owners = (fragments: Float32Array): number[] => {
  return Array.from({ length: fragments.length / 4 }, (_, i) => fragments[i * 4 + 3] as number)
}
const covered = (fragments: Float32Array): number => owners(fragments).filter((t) => t >= 0).length

const bytesOf = (array: Float32Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength)

function asTensor(vertices: ArrayLike<number>): RefTensor {
  return { n: 1, h: 1, w: vertices.length / 3, c: 3, data: Float64Array.from(Float32Array.from(vertices)) }
}

/**
 * Checks every pixel against all triangles that cover it: the owner is one of them, none is nearer by more than
 * `slack`, and of those that tie exactly it is the first.
 */
function expectCorrect(
  fragments: Float32Array,
  vertices: ArrayLike<number>,
  attrs: RasteriseAttrs,
  slack: number,
): void {
  const problems: string[] = []
  coverage(asTensor(vertices), 0, attrs).forEach((covers, pixel) => {
    const [z = 0, b0 = 0, b1 = 0, owner = 0] = fragments.subarray(pixel * 4, pixel * 4 + 4)
    if (covers.length === 0) {
      if (owner !== -1 || z !== 0 || b0 !== 0 || b1 !== 0) problems.push(`pixel ${pixel} is not empty`)
      return
    }
    const nearest = Math.min(...covers.map((cover) => cover.z))
    const own = covers.find((cover) => cover.triangle === owner)
    if (!own) problems.push(`pixel ${pixel}: triangle ${owner} does not cover it`)
    else if (own.z > nearest + slack)
      problems.push(`pixel ${pixel}: ${owner} at ${own.z}, nearest ${nearest}`)
    else if (Math.abs(z - own.z) > slack) problems.push(`pixel ${pixel}: depth ${z}, expected ${own.z}`)
    else if (Math.abs(b0 - own.b0) + Math.abs(b1 - own.b1) > 1e-5) problems.push(`pixel ${pixel}: weights`)
  })
  expect(problems).toEqual([])
}

/** Coordinates that hit pixel centres, pixel borders and subpixel steps often. */
const coordinate = (low: number, high: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: low * 2, max: high * 2 }).map((v) => v / 2),
    fc.integer({ min: low * 256, max: high * 256 }).map((v) => v / 256),
    fc.double({ min: low, max: high, noNaN: true }).map(Math.fround),
  )

const SIZE = { width: 24, height: 19 }

describe.each(['software', 'hardware'] as const)('%s schedule:', (of) => {
  beforeAll(() => {
    schedule = of
  })

  describe('shared edges', () => {
    const [columns, rows] = [6, 5]
    const triangles = gridTriangles(columns, rows)
    const half = (parity: number): Uint32Array =>
      triangles.filter((_, i) => Math.floor(i / 3) % 2 === parity) as Uint32Array

    it('are drawn exactly once: no gap, no pixel in both halves of a mesh that fills the raster', async () => {
      const graph = new GraphBuilder('halves')
      const input = inputTensor(graph, 'vertices', { n: 1, h: 1, w: columns * rows, c: 3 })
      for (const parity of [0, 1]) {
        const fragments = rasterise(graph, `rasterise${parity}`, input, { ...SIZE, triangles: half(parity) })
        outputTensor(graph, `mask${parity}`, fragmentMask(graph, `covered${parity}`, fragments))
      }
      const plan = await engine.compile(graph.build())
      const jitter = fc.array(coordinate(-2, 2), {
        minLength: columns * rows * 2,
        maxLength: columns * rows * 2,
      })
      await fc.assert(
        fc.asyncProperty(jitter, async (offsets) => {
          // Cells of 8 x 8 px with corners moved by at most 2 px stay convex enough not to fold; the outer corners
          // lie far enough outside.
          const vertices = Array.from({ length: columns * rows }, (_, v) => [
            (v % columns) * 8 - 6 + (offsets[v * 2] ?? 0),
            Math.floor(v / columns) * 8 - 6 + (offsets[v * 2 + 1] ?? 0),
            0,
          ]).flat()
          const { mask0, mask1 } = await plan.compute({ vertices: Float32Array.from(vertices) })
          const sums = (mask0 as Float32Array).map(
            (value, i) => value + ((mask1 as Float32Array)[i] as number),
          )
          expect(sums.every((sum) => sum === 1)).toBe(true)
        }),
        { numRuns: 150 },
      )
      plan.dispose()
    })
  })

  describe('any triangles', () => {
    const COUNT = 14
    const corners = fc.array(
      fc.tuple(coordinate(-8, 32), coordinate(-8, 28), fc.integer({ min: -40, max: 40 })),
      { minLength: COUNT * 3, maxLength: COUNT * 3 },
    )
    const triangles = Uint32Array.from({ length: COUNT * 3 }, (_, i) => i)

    for (const attrs of [
      { ...SIZE, triangles },
      { ...SIZE, triangles, cull: 'back' },
      { ...SIZE, triangles, cull: 'back', frontFace: 'cw' },
    ] as const) {
      it(`obey the rules, cull ${'cull' in attrs ? attrs.cull : 'none'} ${'frontFace' in attrs ? 'cw' : 'ccw'}`, async () => {
        const plan = await rasterPlan(COUNT * 3, attrs)
        await fc.assert(
          fc.asyncProperty(corners, async (points) => {
            const vertices = points.flat()
            const fragments = await draw(plan, vertices)
            expectCorrect(fragments, vertices, attrs, 2e-5 * 40)
            expect(await draw(plan, vertices)).toEqual(fragments)
          }),
          { numRuns: 60 },
        )
        plan.dispose()
      })
    }

    it('in another order change nothing but indices', async () => {
      // Depths drawn from the reals: no two surfaces tie.
      const random = seededRandom('order')
      const vertices = [...randomArray(random, COUNT * 3 * 3, [-5, 28])]
      const first = await drawOnce(vertices, { ...SIZE, triangles })
      const order = fc.shuffledSubarray([...Array(COUNT).keys()], { minLength: COUNT, maxLength: COUNT })
      await fc.assert(
        fc.asyncProperty(order, async (permutation) => {
          const shuffled = Uint32Array.from(permutation.flatMap((t) => [t * 3, t * 3 + 1, t * 3 + 2]))
          const fragments = await drawOnce(vertices, { ...SIZE, triangles: shuffled })
          for (let i = 3; i < fragments.length; i += 4) {
            const owner = fragments[i] as number
            if (owner >= 0) fragments[i] = permutation[owner] as number
          }
          expect(fragments).toEqual(first)
        }),
        { numRuns: 12 },
      )
    })

    it('that tie in depth go to the lower index', async () => {
      const random = seededRandom('ties')
      const plan = await rasterPlan(COUNT * 3, { ...SIZE, triangles })
      for (let run = 0; run < 20; run++) {
        // Flat triangles in two depths only: nearly every pixel ties, -0 and 0 included.
        const vertices = Array.from({ length: COUNT }, () => {
          const z = random() < 0.5 ? 0 : random() < 0.5 ? -0 : 5
          return [0, 1, 2].flatMap(() => [random() * 34 - 5, random() * 29 - 5, z])
        }).flat()
        const expected = coverage(asTensor(vertices), 0, { ...SIZE, triangles }).map((covers) => {
          const nearest = Math.min(...covers.map((cover) => cover.z))
          return covers.find((cover) => cover.z === nearest)?.triangle ?? -1
        })
        expect(owners(await draw(plan, vertices))).toEqual(expected)
      }
      plan.dispose()
    })
  })

  describe('awkward triangles', () => {
    const one = (vertices: readonly number[], attrs: Partial<RasteriseAttrs> = {}) =>
      drawOnce(vertices, { width: 16, height: 16, triangles: Uint32Array.of(0, 1, 2), ...attrs })

    it('without area draw nothing', async () => {
      expect(covered(await one([1, 1, 0, 9, 9, 0, 5, 5, 0]))).toBe(0)
      expect(covered(await one([3.5, 3.5, 0, 3.5, 3.5, 0, 3.5, 3.5, 0]))).toBe(0)
      expect(covered(await one([1, 1, 0, 9, 1, 0, 1, 9, 0], { triangles: Uint32Array.of(0, 1, 1) }))).toBe(0)
      // Thinner than the 1/256 px that vertices are rounded to.
      expect(covered(await one([1, 4.5, 0, 9, 4.5, 0, 5, 4.5005, 0]))).toBe(0)
    })

    it('off the screen draw nothing', async () => {
      for (const [dx, dy] of [
        [-100, 0],
        [100, 0],
        [0, -100],
        [0, 100],
        [1e6, -1e6],
      ] as const) {
        expect(covered(await one([1 + dx, 1 + dy, 0, 9 + dx, 1 + dy, 0, 1 + dx, 9 + dy, 0]))).toBe(0)
      }
    })

    it('of a pixel or less draw the pixels whose centres they hold', async () => {
      const around = (x: number, y: number, r: number) => [x - r, y - r, 0, x + r, y - r, 0, x, y + r, 0]
      expect(covered(await one(around(7.5, 7.5, 0.01)))).toBe(1)
      expect(covered(await one(around(7, 7.5, 0.4)))).toBe(0)
      expect(covered(await one(around(7.49, 7.5, 0.3)))).toBe(1)
    })

    it('as large as the coordinates allow cover the raster', async () => {
      const huge = 2 ** 21
      const fragments = await one([-huge, -huge, 3, huge, -huge, 3, 0, huge, 3])
      expect(covered(fragments)).toBe(256)
      expect(fragments[0]).toBe(3)
      expect(covered(await one([-huge, -huge, 3, huge + 1, -huge, 3, 0, huge, 3]))).toBe(0)
    })

    it('with NaN or Inf in any coordinate are left out, and only they', async () => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (let place = 0; place < 9; place++) {
          const good = [0, 0, 2, 16, 0, 2, 0, 16, 2]
          const spoilt = [0, 0, 1, 16, 0, 1, 0, 16, 1]
          spoilt[place] = bad
          const triangles = Uint32Array.of(0, 1, 2, 3, 4, 5)
          const fragments = await one([...spoilt, ...good], { triangles })
          expect(new Set(owners(fragments))).toEqual(new Set([-1, 1]))
        }
      }
    })

    it('that show their back are culled on request', async () => {
      const counterClockwise = [1, 1, 0, 1, 9, 0, 9, 1, 0]
      const clockwise = [1, 1, 0, 9, 1, 0, 1, 9, 0]
      expect(covered(await one(counterClockwise, { cull: 'back' }))).toBeGreaterThan(0)
      expect(covered(await one(clockwise, { cull: 'back' }))).toBe(0)
      expect(covered(await one(clockwise, { cull: 'back', frontFace: 'cw' }))).toBeGreaterThan(0)
      expect(covered(await one(counterClockwise, { cull: 'back', frontFace: 'cw' }))).toBe(0)
      expect(covered(await one(clockwise))).toBe(covered(await one(counterClockwise)))
    })
  })

  describe('many triangles', () => {
    it('100,000 at once: correct, and the same bits every time', async () => {
      const count = 100_000
      const random = seededRandom('many')
      const vertices = new Float32Array(count * 9)
      for (let t = 0; t < count; t++) {
        // One in a thousand is large, one in a hundred has no area.
        const reach = t % 1000 === 0 ? 60 : 3
        const [x, y, z] = [random() * 224, random() * 224, random() * 1000]
        for (let corner = 0; corner < 3; corner++) {
          const flat = t % 100 === 7 ? 0 : 1
          vertices[t * 9 + corner * 3] = x + (random() * 2 - 1) * reach * flat
          vertices[t * 9 + corner * 3 + 1] = y + (random() * 2 - 1) * reach
          vertices[t * 9 + corner * 3 + 2] = z + random() * 4
        }
      }
      const triangles = Uint32Array.from({ length: count * 3 }, (_, i) => i)
      const attrs = { width: 224, height: 224, triangles }
      const plan = await rasterPlan(count * 3, attrs)
      const fragments = await draw(plan, vertices)
      expectCorrect(fragments, vertices, attrs, 1e-3)
      for (let run = 0; run < 2; run++) {
        // Vitest's own comparison takes seconds for arrays of this size.
        expect(Buffer.compare(bytesOf(await draw(plan, vertices)), bytesOf(fragments))).toBe(0)
      }
      plan.dispose()
    })
  })
})

describe('interpolation', () => {
  it('reproduces an attribute that is equal at all vertices exactly', async () => {
    const random = seededRandom('constant')
    const triangles = Uint32Array.from({ length: 60 }, (_, i) => i)
    const graph = new GraphBuilder('constant')
    const input = inputTensor(graph, 'vertices', { n: 1, h: 1, w: 60, c: 3 })
    const fragments = rasterise(graph, 'rasterise', input, { ...SIZE, triangles })
    const table = { data: new Float32Array(60).fill(Math.fround(0.1)), channels: 1 }
    outputTensor(graph, 'result', interpolate(graph, 'interpolate', fragments, table, { triangles }))
    outputTensor(graph, 'mask', fragmentMask(graph, 'covered', fragments))
    const plan = await engine.compile(graph.build())
    const vertices = Float32Array.from(randomArray(random, 180, [-4, 28]))
    const { result, mask } = await plan.compute({ vertices })
    expect(result).toEqual((mask as Float32Array).map((value) => value * Math.fround(0.1)))
    plan.dispose()
  })
})
