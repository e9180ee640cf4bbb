import { describe, expect, it } from 'vitest'
import { STATE } from '../../eval/errors.js'
import { ExtentErrors, faceByMesh } from '../../eval/extent.js'
import { TRUTH_SIZE, type TruePair } from '../../eval/pairs.js'
import type { RegisteredFlowResult } from '../../src/index.js'
import { frontalFace } from '../animate/canonical.js'

const N = 2 * TRUTH_SIZE

/** The canonical face in the middle of the frame, 9 px a cm. */
const MESH = Float32Array.from(frontalFace(N / 2, N / 2, 9))

const quadratic = (x: number, y: number) => [0.001 * x * x - 0.02 * y, 0.0005 * x * y + 1, 3 - 0.0002 * y * y]

describe('the face beyond the mesh, measured', () => {
  it('reaches above the brows by as much as the nose below, and no farther down than the jaw', () => {
    const face = faceByMesh(MESH)
    const place = (v: number) => [MESH[3 * v] as number, MESH[3 * v + 1] as number] as const
    const rows = Array.from({ length: N }, (_, y) => y).filter((y) => face[y * N + N / 2] === 1)
    const [[, brows], [, nose], [, chin]] = [place(105), place(2), place(152)]
    expect(Math.min(...rows)).toBeLessThan(brows - 0.8 * (nose - brows))
    expect(Math.min(...rows)).toBeGreaterThan(brows - 1.2 * (nose - brows))
    expect(Math.max(...rows)).toBeGreaterThan(chin - 3)
    expect(Math.max(...rows)).toBeLessThan(chin)
  })

  it('counts what is off the mesh and without flow, and what the flow there is worth', () => {
    const face = faceByMesh(MESH)
    const pixels = Array.from({ length: N * N }, (_, p) => [(p % N) + 0.5, Math.floor(p / N) + 0.5] as const)
    const [meshMask, mask] = [80, 60].map((top) => Uint8Array.from(pixels, ([, y]) => (y > top ? 1 : 0)))
    // Off by 2 px beyond the mesh, right on it.
    const flow = Float32Array.from(
      pixels.flatMap(([x, y]) => quadratic(x, y).map((v, c) => (y <= 80 && c === 0 ? v + 2 : v))),
    )
    const kept = pixels.filter((_, p) => (p % N) % 2 === 0 && Math.floor(p / N) % 2 === 0)
    const pair: TruePair = {
      name: 'pair',
      a: { width: N, height: N, data: new Uint8Array() },
      b: { width: N, height: N, data: new Uint8Array() },
      flow: Float32Array.from(kept.flatMap(([x, y]) => quadratic(x, y))),
      state: new Uint8Array(kept.length).fill(STATE.visible),
      yaw: [0, 0],
    }
    const errors = new ExtentErrors()
    errors.add(pair, { flow, mask, meshMask, meshA: MESH } as unknown as RegisteredFlowResult)
    const { offMesh, withoutFlow, beyond, quadratic: carriedOn } = errors.summary()
    const share = (top: number) => {
      const inFace = kept.filter(([x, y]) => face[(y - 0.5) * N + x - 0.5] === 1)
      return inFace.filter(([, y]) => y <= top).length / inFace.length
    }
    expect(offMesh).toBeCloseTo(share(80))
    expect(withoutFlow).toBeCloseTo(share(60))
    expect(beyond?.epe3d).toBeCloseTo(2)
    expect(carriedOn?.epe3d).toBeLessThan(0.01)
  })
})
