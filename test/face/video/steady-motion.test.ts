import { describe, expect, it } from 'vitest'
import type { PairOutputs } from '../../../src/face/registered-pair.js'
import { steadyMotion } from '../../../src/face/video/steady-motion.js'
import { seededRandom } from '../../random.js'
import { ellipsoidMesh } from '../../support/synthetic.js'
import { ellipsoidOutputs } from '../../support/synthetic-pair.js'

const { vertices, triangles } = ellipsoidMesh()

type Vector = readonly [number, number, number]

const uniform = (motion: Vector, backward = false): PairOutputs => ellipsoidOutputs(() => motion, backward)
/** Of the pixel in the middle of the face. */
const MIDDLE = 3 * (112 * 224 + 112)
const middle = (flow: ArrayLike<number>): number[] => [0, 1, 2].map((axis) => flow[MIDDLE + axis] as number)
const second = (path: readonly number[][], axis: number): number =>
  path.slice(2).reduce((sum, next, t) => {
    const [before, now] = [path[t] as number[], path[t + 1] as number[]]
    return sum + Math.abs((next[axis] as number) - 2 * (now[axis] as number) + (before[axis] as number))
  }, 0) /
  (path.length - 2)

describe('flows from frame to frame and from the reference', () => {
  it('agree: the first add up to the second, which trembles less, whatever error each step repeats', () => {
    const random = seededRandom('steady motion')
    const noise = (size: number) => size * (2 * random() - 1)
    const place = (t: number): Vector => [2 * Math.sin(0.2 * t), 0.5 * Math.sin(0.1 * t), Math.sin(0.1 * t)]
    let before: Float32Array | undefined
    const composed = [0, 0, 0]
    const [asComputed, found]: number[][][] = [[], []]
    for (let t = 1; t <= 60; t++) {
      const [to, from] = [place(t), place(t - 1)]
      const step = to.map((value, axis) => value - (from[axis] as number) + noise(0.1))
      const previous = uniform([step[0] as number, step[1] as number, (step[2] as number) + 0.05])
      const reference = uniform([to[0] + noise(0.4), to[1] + noise(0.4), to[2] + noise(0.4)])
      asComputed?.push(middle(reference.flow))
      before = steadyMotion(before, { previous, reference }, triangles)
      found?.push(middle(reference.flow))
      const change = t === 1 ? middle(reference.flow) : middle(previous.flow)
      change.forEach((value, axis) => {
        composed[axis] = (composed[axis] as number) + value
      })
      for (const axis of [0, 1, 2]) {
        expect(composed[axis]).toBeCloseTo(found?.at(-1)?.[axis] as number, 3)
        expect(Math.abs((found?.at(-1)?.[axis] as number) - (to[axis] as number))).toBeLessThan(0.6)
      }
    }
    for (const axis of [0, 1, 2]) {
      expect(second(found ?? [], axis)).toBeLessThan(0.6 * second(asComputed ?? [], axis))
    }
  })

  it('do not hold back a motion that one of them misses', () => {
    const before = steadyMotion(
      undefined,
      { previous: uniform([0, 0, 0.1]), reference: uniform([0, 0, 0]) },
      [],
    )
    const [previous, reference] = [uniform([1, 0, 0]), uniform([6, 0, 0])]
    steadyMotion(before, { previous, reference }, triangles)
    expect(middle(reference.flow)[0]).toBeGreaterThan(5.9)
    expect(middle(previous.flow)[0]).toBeGreaterThan(5.9)
  })

  it('are followed where the mesh is drawn, which landmarks lead', () => {
    const turning = () => ellipsoidOutputs((x, y) => [0.02 * (x - 112), 0.02 * (y - 112), 0])
    const outputs = turning()
    // As the mesh network has it, all of the face is lower and behind what is drawn.
    const unled = outputs.mesh.map((value, i) => value + ([0, 8, 20][i % 3] as number))
    const moved = (pair: PairOutputs) =>
      steadyMotion(undefined, { previous: pair, reference: pair }, triangles)
    expect(moved({ ...outputs, mesh: unled })).toEqual(moved(outputs))
  })

  it('are steady beyond the mesh as on it', () => {
    const all = [...triangles, 0, 1, 2].map((v, i) => (i < triangles.length ? v : v + vertices.length / 3))
    const beyond = (outputs: PairOutputs): PairOutputs => {
      // The face about the middle is what three added vertices span.
      const fragments = outputs.fragments.slice()
      fragments.set([0, 0.3, 0.3, triangles.length / 3], (MIDDLE / 3) * 4)
      return { ...outputs, fragments }
    }
    const moved = (motion: Vector) => beyond(uniform(motion))
    const before = steadyMotion(undefined, { previous: moved([0, 0, 0]), reference: moved([0, 0, 0]) }, all)
    const [previous, reference] = [moved([0, 0, 0.4]), moved([0, 0, 0])]
    const mean = (rows: Float32Array) => Float32Array.from([...rows, ...Array(9).fill(rows[3 * 240 + 2])])
    steadyMotion(before, { previous, reference }, all, mean)
    expect(reference.flow.every(Number.isFinite) && previous.flow.every(Number.isFinite)).toBe(true)
    expect(middle(reference.flow)[2]).toBeGreaterThan(0.1)
    expect(middle(reference.flow)[2]).toBeCloseTo(middle(previous.flow)[2] as number, 3)
  })

  it('stay as they are where the frame before says nothing', () => {
    const [previous, reference] = [uniform([1, 2, 3]), uniform([2, 1, 0])]
    const at = steadyMotion(undefined, { previous, reference }, triangles)
    expect(middle(previous.flow)).toEqual([1, 2, 3])
    expect(middle(reference.flow)).toEqual([2, 1, 0])
    const v = 3 * 240
    expect((at[v] as number) - (vertices[v] as number)).toBeCloseTo(2, 4)
  })

  it('say of the same picture again that nothing moves in it, bit for bit', () => {
    const moved = () => uniform([1, 0.5, 0.25])
    let before = steadyMotion(undefined, { previous: moved(), reference: moved() }, triangles)
    const [previous, reference] = [uniform([0.3, 0, 0]), uniform([1.6, 0.5, 0.25])]
    before = steadyMotion(before, { previous, reference }, triangles)
    const again = { previous: uniform([0, 0, 0]), reference: uniform([1.6, 0.5, 0.25]) }
    const after = steadyMotion(before, again, triangles)
    expect(again.previous.flow.every((value) => value === 0)).toBe(true)
    expect(again.reference.flow).toEqual(reference.flow)
    expect(after).toEqual(before)
  })

  it('take the flows back along', () => {
    const before = steadyMotion(
      undefined,
      { previous: uniform([0, 0, 0]), reference: uniform([0, 0, 0]) },
      [],
    )
    const [previous, reference] = [uniform([0.2, 0.1, 0.3], true), uniform([0.4, 0, -0.2], true)]
    steadyMotion(before, { previous, reference }, triangles)
    for (const { flow, backward } of [previous, reference]) {
      const back = middle(backward?.flow ?? [])
      middle(flow).forEach((value, axis) => {
        expect(back[axis]).toBeCloseTo(-value, 3)
      })
    }
    expect(middle(reference.flow)[2]).toBeCloseTo(middle(previous.flow)[2] as number, 3)
  })
})
