import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../src/graph/graph.js'
import { type Refinement, refineFlow } from '../../src/nets/refinement.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { seededRandom } from '../random.js'

const N = 96
const MARGIN = 16

let engine: Engine
let plans: Record<'inverse-search' | 'variational', Plan>

beforeAll(async () => {
  engine = await Engine.open()
  plans = {
    'inverse-search': await compile('inverse-search'),
    variational: await compile('variational'),
  }
})
afterAll(() => engine.dispose())

function compile(refinement: Refinement): Promise<Plan> {
  const graph = new GraphBuilder('refinement')
  const input = (name: string, n: number, c: number) => inputTensor(graph, name, { n, h: N, w: N, c })
  const [flow, images, fragments] = [input('flow', 1, 3), input('images', 2, 3), input('fragments', 1, 4)]
  outputTensor(graph, 'refined', refineFlow(graph, 'refined', flow, images, fragments, refinement))
  return engine.compile(graph.build(), {})
}

type Field = (x: number, y: number) => readonly number[]

function field(channels: number, at: Field): Float32Array {
  const out = new Float32Array(N * N * channels)
  for (let y = 0; y < N; y++) for (let x = 0; x < N; x++) out.set(at(x, y), (y * N + x) * channels)
  return out
}

/** Smooth texture of all directions, normalised as DFFNet's images are. */
function texture(x: number, y: number): number {
  return (
    0.25 * (Math.sin(0.55 * x + 0.2 * y) + Math.sin(0.6 * y - 0.25 * x + 1) + Math.sin(0.4 * (x + y) + 2))
  )
}

/** A face of relief over the whole map but a margin. */
const depthAt = (x: number, y: number) => 25 * Math.cos((x - N / 2) / 20) * Math.cos((y - N / 2) / 20)
const onFace = (x: number, y: number) => Math.min(x, y, N - 1 - x, N - 1 - y) >= MARGIN
const grey = (value: number) => [value, value, value]

async function refine(
  refinement: keyof typeof plans,
  motion: Field,
  start: Field,
  light: (value: number) => number = (value) => value,
): Promise<Float32Array> {
  const outputs = await plans[refinement].compute(inputsOf(motion, start, light))
  return outputs.refined as Float32Array
}

/** A textured face that moves and changes its light, and the flow that the refinement starts from. */
function inputsOf(motion: Field, start: Field, light: (value: number) => number) {
  const source = field(3, (x, y) => grey(texture(x, y)))
  // The target shows at p + motion(p) what the source shows at p: p is found by a few fixed-point steps.
  const target = field(3, (x, y) => {
    let [px, py] = [x, y]
    for (let i = 0; i < 20; i++) {
      const [dx = 0, dy = 0] = motion(px, py)
      px = x - dx
      py = y - dy
    }
    return grey(light(texture(px, py)))
  })
  const images = new Float32Array(2 * N * N * 3)
  images.set(source)
  images.set(target, N * N * 3)
  return {
    flow: field(3, (x, y) => (onFace(x, y) ? start(x, y) : [0, 0, 0])),
    images,
    fragments: field(4, (x, y) => [depthAt(x, y), 0, 0, onFace(x, y) ? 0 : -1]),
  }
}

/** Mean distance from the motion in the plane, on the face. */
function errorInPlane(flow: Float32Array, motion: Field): number {
  let [sum, count] = [0, 0]
  for (let y = MARGIN; y < N - MARGIN; y++) {
    for (let x = MARGIN; x < N - MARGIN; x++) {
      const [dx = 0, dy = 0] = motion(x, y)
      const at = 3 * (y * N + x)
      sum += Math.hypot((flow[at] ?? 0) - dx, (flow[at + 1] ?? 0) - dy)
      count++
    }
  }
  return sum / count
}

const shift: Field = (x) => [1.6 + 0.02 * (x - N / 2), -1.2, 0]
const rest: Field = () => [0, 0, 0]

describe.each(['inverse-search', 'variational'] as const)('refinement of a flow: %s', (kind) => {
  it('finds a motion of two pixels that the flow misses', async () => {
    expect(errorInPlane(await refine(kind, shift, rest), shift)).toBeLessThan(0.1)
  })

  it('is not moved by a change of light', async () => {
    const refined = await refine(kind, shift, rest, (value) => 0.7 * value - 0.2)
    expect(errorInPlane(refined, shift)).toBeLessThan(0.1)
  })

  it('keeps a flow that is right', async () => {
    expect(errorInPlane(await refine(kind, shift, shift), shift)).toBeLessThan(0.05)
  })

  it('keeps the flow where the second image shows something else', async () => {
    const random = seededRandom('noise')
    const refined = await refine(kind, shift, shift, () => random() - 0.5)
    expect(errorInPlane(refined, shift)).toBeLessThan(2.5)
    expect(refined.every(Number.isFinite)).toBe(true)
  })

  it('changes nothing off the face', async () => {
    const refined = await refine(kind, shift, rest)
    for (const [x, y] of [
      [0, 0],
      [MARGIN - 1, N / 2],
      [N / 2, N - MARGIN],
    ] as const) {
      expect([...refined.subarray(3 * (y * N + x), 3 * (y * N + x) + 3)]).toEqual([0, 0, 0])
    }
  })

  it('leaves dz as it is', async () => {
    const turning: Field = (x, y) => [0, 0, depthAt(x, y) + 0.1 * x]
    const refined = await refine(kind, shift, turning)
    const before = field(3, (x, y) => (onFace(x, y) ? turning(x, y) : [0, 0, 0]))
    const dz = (flow: Float32Array) => flow.filter((_, i) => i % 3 === 2)
    expect(dz(refined)).toEqual(dz(before))
  })
})

describe('the variational stage', () => {
  it('follows a break of the motion, as between lips, that patches bridge', async () => {
    const opening: Field = (x, y) => [0.3 * Math.sin(x / 20), y < N / 2 ? -0.8 : 0.8, 0]
    const patches = errorInPlane(await refine('inverse-search', opening, rest), opening)
    const pixels = errorInPlane(await refine('variational', opening, rest), opening)
    expect(pixels).toBeLessThan(0.85 * patches)
  })
})
