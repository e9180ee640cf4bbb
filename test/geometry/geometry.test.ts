import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LANDMARK_VERTICES, landmarks68 } from '../../src/face/register/landmarks.js'
import { loadTemplate } from '../../src/face/register/template-file.js'
import { sampleMasked } from '../../src/geometry/masked-sample.js'
import { eulerAngles, rotationFromAngles } from '../../src/geometry/rotation.js'
import {
  applySimilarity,
  applySimilarityToPoints,
  composeSimilarity,
  fitSimilarity,
  invertSimilarity,
  similarityResidual,
} from '../../src/geometry/similarity.js'
import {
  applySimilarity3,
  composeSimilarity3,
  fitSimilarity3,
  invertSimilarity3,
  liftSimilarity,
} from '../../src/geometry/similarity3.js'
import { parseTemplate } from '../../src/geometry/template.js'
import type { Rgba } from '../../src/geometry/types.js'
import { expressionFlow, rigidFlow } from '../../src/products/expression.js'
import { forwardBackward } from '../../src/products/forward-backward.js'
import { moveMesh } from '../../src/products/moved-mesh.js'
import { flowToPhoto, mapPhotoPoint } from '../../src/products/photo-flow.js'
import { photometricResidual, warpByFlow } from '../../src/products/residual.js'
import { fitRigidRobust, rigidInPhotos } from '../../src/products/rigid-motion.js'
import { denseFlow, ellipsoidMesh, mouthOpening, together, turn, zoom } from '../support/synthetic.js'

const N = 224
const angle = fc.double({ min: -3.1, max: 3.1, noNaN: true })
const shift = fc.double({ min: -500, max: 500, noNaN: true })
const size = fc.double({ min: 0.05, max: 20, noNaN: true })
const similarity = fc
  .tuple(angle, size, shift, shift)
  .map(([t, s, tx, ty]) => ({ a: s * Math.cos(t), b: s * Math.sin(t), tx, ty }))

describe('plane similarities', () => {
  const points = [0, 0, 10, 0, 3, 7, -4, 2, 8, 9]

  it('recovers a known similarity exactly', () => {
    fc.assert(
      fc.property(similarity, (s) => {
        const target = applySimilarityPrecise(s, points)
        const fit = fitSimilarity(points, target)
        for (const key of ['a', 'b', 'tx', 'ty'] as const) expect(fit[key]).toBeCloseTo(s[key], 6)
      }),
    )
  })

  it('never returns a reflection: a mirrored face is fitted by a turn and scale', () => {
    const mirrored = points.map((v, i) => (i % 2 === 0 ? -v : v))
    const { a, b } = fitSimilarity(points, mirrored)
    expect(a * a + b * b).toBeGreaterThan(0)
    expect(similarityResidual(fitSimilarity(points, mirrored), points, mirrored)).toBeGreaterThan(1)
  })

  it('minimises the weighted squares: a heavy point is met, a weightless one ignored', () => {
    const target = [0, 0, 10, 0, 3, 7, -4, 2, 100, 100]
    const fit = fitSimilarity(points, target, [1, 1, 1, 1, 0])
    expect(similarityResidual(fit, points.slice(0, 8), target.slice(0, 8))).toBeCloseTo(0, 9)
  })

  it('composes and inverts', () => {
    fc.assert(
      fc.property(similarity, similarity, shift, shift, (s, t, x, y) => {
        const [u, v] = applySimilarity(s, x, y)
        const [p, q] = applySimilarity(t, u, v)
        const [r, w] = applySimilarity(composeSimilarity(t, s), x, y)
        expect(r).toBeCloseTo(p, 5)
        expect(w).toBeCloseTo(q, 5)
        const [bx, by] = applySimilarity(invertSimilarity(s), u, v)
        expect(bx).toBeCloseTo(x, 5)
        expect(by).toBeCloseTo(y, 5)
      }),
    )
  })

  it('scales z of meshes along', () => {
    const moved = applySimilarityToPoints({ a: 0, b: 2, tx: 1, ty: 0 }, [1, 0, 5], 3)
    expect([...moved]).toEqual([1, 2, 10])
  })

  it('refuses coinciding points and lists of different length', () => {
    expect(() => fitSimilarity([1, 1, 1, 1], [0, 0, 2, 2])).toThrow(/coincide/)
    expect(() => fitSimilarity([1, 1], [0, 0, 2, 2])).toThrow(/Nx2/)
    expect(() => invertSimilarity({ a: 0, b: 0, tx: 1, ty: 1 })).toThrow(/scale is zero/)
  })
})

describe('rigid motion', () => {
  const { vertices } = ellipsoidMesh()
  const known = { rotation: rotationFromAngles(14, -8, 21), scale: 1.07, translation: [3, -5, 2] as const }
  const move = (points: ArrayLike<number>) => {
    const out: number[] = []
    for (let i = 0; i < points.length; i += 3) {
      out.push(
        ...applySimilarity3(
          { ...known, translation: [...known.translation] },
          points[i] as number,
          points[i + 1] as number,
          points[i + 2] as number,
        ),
      )
    }
    return out
  }

  it('recovers a known similarity of space', () => {
    const fit = fitSimilarity3(vertices, move(vertices))
    expect(fit.scale).toBeCloseTo(1.07, 9)
    fit.rotation.forEach((v, i) => {
      expect(v).toBeCloseTo(known.rotation[i] as number, 9)
    })
    fit.translation.forEach((v, i) => {
      expect(v).toBeCloseTo(known.translation[i] as number, 6)
    })
  })

  it('turns half a revolution without becoming a reflection', () => {
    const turned = Array.from(vertices, (v, i) => (i % 3 === 1 ? v : -v))
    const { rotation } = fitSimilarity3(vertices, turned)
    const expected = [-1, 0, 0, 0, 1, 0, 0, 0, -1]
    rotation.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] as number, 9)
    })
  })

  it('is not pulled by the third of the points that moves otherwise', () => {
    const target = move(vertices)
    for (let v = 0; v < vertices.length / 9; v++) target[3 * v + 1] = (target[3 * v + 1] as number) + 12
    const fit = fitRigidRobust(vertices, target)
    expect(fit.angles.yaw).toBeCloseTo(14, 2)
    expect(fit.angles.pitch).toBeCloseTo(-8, 2)
    expect(fit.angles.roll).toBeCloseTo(21, 2)
    expect(fit.inliers).toBeCloseTo(2 / 3, 2)
    expect(fit.residual).toBeLessThan(0.02)
  })

  it('names angles as seen in the picture', () => {
    const nose = (yaw: number, pitch: number) =>
      applySimilarity3(
        { rotation: rotationFromAngles(yaw, pitch, 0), scale: 1, translation: [0, 0, 0] },
        0,
        0,
        -1,
      )
    expect(nose(30, 0)[0]).toBeCloseTo(-0.5)
    expect(nose(0, 30)[1]).toBeCloseTo(0.5)
    fc.assert(
      fc.property(
        fc.double({ min: -80, max: 80, noNaN: true }),
        fc.double({ min: -170, max: 170, noNaN: true }),
        fc.double({ min: -170, max: 170, noNaN: true }),
        (yaw, pitch, roll) => {
          const angles = eulerAngles(rotationFromAngles(yaw, pitch, roll))
          expect(angles.yaw).toBeCloseTo(yaw, 6)
          expect(angles.pitch).toBeCloseTo(pitch, 6)
          expect(angles.roll).toBeCloseTo(roll, 6)
        },
      ),
    )
  })

  it('gives back the roll that registration took away', () => {
    const upright = { a: 0.5, b: 0, tx: 10, ty: 20 }
    const degrees = (25 * Math.PI) / 180
    const rolled = { a: 0.4 * Math.cos(degrees), b: -0.4 * Math.sin(degrees), tx: 0, ty: 0 }
    const still = fitRigidRobust(vertices, vertices)
    const motion = rigidInPhotos(still, upright, rolled)
    expect(motion.angles.roll).toBeCloseTo(25, 6)
    expect(motion.scale).toBeCloseTo(0.5 / 0.4, 6)
  })

  it('composes and inverts in space', () => {
    const s = { ...known, translation: [3, -5, 2] as [number, number, number] }
    const both = composeSimilarity3(invertSimilarity3(s), s)
    expect(applySimilarity3(both, 7, -3, 2).map((v) => Math.round(v * 1e9) / 1e9)).toEqual([7, -3, 2])
    const lifted = liftSimilarity({ a: 0, b: 2, tx: 1, ty: 0 })
    expect(applySimilarity3(lifted, 1, 0, 5).map((v) => Math.round(v * 1e9) / 1e9)).toEqual([1, 2, 10])
  })
})

describe('flow fields', () => {
  it('samples between pixel centres and ignores pixels off the mask', () => {
    const field = new Float32Array(N * N).map((_, i) => (i % N) + 0.5)
    const mask = new Uint8Array(N * N).fill(1)
    const out = new Float64Array(1)
    expect(sampleMasked(field, 1, mask, 10.2, 50, out)).toBeCloseTo(1)
    expect(out[0]).toBeCloseTo(10.2, 5)
    for (let y = 0; y < N; y++) mask[y * N + 11] = 0
    expect(sampleMasked(field, 1, mask, 11, 50.5, out)).toBeCloseTo(0.5)
    expect(out[0]).toBeCloseTo(10.5)
    expect(sampleMasked(field, 1, mask, -5, 50, out)).toBe(0)
  })

  it('finds the turn of the head under an opening mouth, and the mouth without the turn', () => {
    const { vertices } = ellipsoidMesh()
    const { flow, mask, depth } = denseFlow(together(turn, mouthOpening))
    const { rigid } = moveMesh(vertices, flow, mask, depth)
    expect(rigid.angles.yaw).toBeCloseTo((0.12 * 180) / Math.PI, 1)
    expect(Math.abs(rigid.angles.pitch)).toBeLessThan(0.1)
    const expression = expressionFlow(flow, rigid, mask, depth)
    const at = (x: number, y: number) => expression.slice(3 * (y * N + x), 3 * (y * N + x) + 3)
    for (const v of at(112, 90)) expect(Math.abs(v)).toBeLessThan(0.1)
    expect(at(112, 185)[1]).toBeCloseTo(9, 0)
  })

  it('leaves nothing as expression when the motion is rigid', () => {
    const { vertices } = ellipsoidMesh()
    const { flow, mask, depth } = denseFlow(turn)
    const { rigid, mesh } = moveMesh(vertices, flow, mask, depth)
    const rest = expressionFlow(flow, rigid, mask, depth)
    expect(rest.reduce((worst, v) => Math.max(worst, Math.abs(v)), 0)).toBeLessThan(0.05)
    const explained = rigidFlow(rigid, mask, depth)
    expect(explained[3 * (120 * N + 112)]).toBeCloseTo(flow[3 * (120 * N + 112)] as number, 2)
    expect(mesh.length).toBe(vertices.length)
  })

  it('moves hidden vertices with the head', () => {
    const { vertices } = ellipsoidMesh()
    const { flow, mask, depth } = denseFlow(zoom)
    const withHidden = Float32Array.from([...vertices, 112, 120, 60])
    const { mesh } = moveMesh(withHidden, flow, mask, depth)
    // Behind the centre of the zoom: stays there, where a visible point would take the surface's flow.
    expect(mesh.at(-3)).toBeCloseTo(112, 0)
    expect(mesh.at(-1)).toBeGreaterThan(60)
  })

  it('trusts a flow that comes home, and neither one that does not nor one that leaves the face', () => {
    const mask = new Uint8Array(N * N).fill(1)
    const forward = new Float32Array(N * N * 3)
    for (let i = 0; i < N * N; i++) forward.set([6, 0, 1], 3 * i)
    const backward = forward.map((v) => -v)
    const { error, confidence } = forwardBackward(forward, mask, backward, mask)
    expect(error[100 * N + 100]).toBeCloseTo(0, 5)
    expect(confidence[100 * N + 100]).toBeCloseTo(1, 5)
    expect(error[100 * N + 220]).toBe(0)
    expect(confidence[100 * N + 220]).toBe(0)
    const wrong = forwardBackward(forward, mask, forward, mask)
    expect(wrong.error[100 * N + 100]).toBeCloseTo(12, 5)
    expect(wrong.confidence[100 * N + 100]).toBeLessThan(1e-3)
  })

  it('lets depth changes that disagree say nothing about consistency', () => {
    const mask = new Uint8Array(N * N).fill(1)
    const forward = new Float32Array(N * N * 3)
    for (let i = 0; i < N * N; i++) forward.set([4, -3, 20], 3 * i)
    const backward = forward.map((v, i) => (i % 3 === 2 ? v : -v))
    const { error, confidence } = forwardBackward(forward, mask, backward, mask)
    expect(error[100 * N + 100]).toBeCloseTo(0, 5)
    expect(confidence[100 * N + 100]).toBeCloseTo(1, 5)
  })

  it('carries the motion of a scaled, turned and shifted copy into photo pixels', () => {
    const toA = { a: 0.5, b: 0.05, tx: 3, ty: -4 }
    const known = { a: 1.1 * Math.cos(0.3), b: 1.1 * Math.sin(0.3), tx: 20, ty: -15 }
    // B shows known(A), so that registration of B undoes it and the registered flow is zero.
    const toB = composeSimilarity(toA, invertSimilarity(known))
    const mask = new Uint8Array(N * N).fill(1)
    const flow = new Float32Array(N * N * 3)
    const photo = flowToPhoto(flow, mask, toA, toB, { width: 300, height: 260 })
    const [x, y] = [150, 120]
    const i = y * 300 + x
    const [u, v] = applySimilarity(known, x + 0.5, y + 0.5)
    expect(photo.mask[i]).toBe(1)
    expect(photo.flow[3 * i]).toBeCloseTo(u - x - 0.5, 3)
    expect(photo.flow[3 * i + 1]).toBeCloseTo(v - y - 0.5, 3)
    const point = mapPhotoPoint(flow, mask, toA, toB, x + 0.5, y + 0.5)
    expect(point?.[0]).toBeCloseTo(u, 6)
    expect(mapPhotoPoint(flow, mask, toA, toB, -400, -400)).toBeNull()
  })

  it('undoes a motion when B is A moved', () => {
    const mask = new Uint8Array(N * N).fill(1)
    const image = (move: number): Rgba => {
      const data = new Uint8Array(N * N * 4).fill(255)
      for (let i = 0; i < N * N; i++) data.fill(Math.max(0, Math.min(255, (i % N) - move)), 4 * i, 4 * i + 3)
      return { width: N, height: N, data }
    }
    const flow = new Float32Array(N * N * 3)
    for (let i = 0; i < N * N; i++) flow[3 * i] = 5
    for (let y = 0; y < N; y++) for (let x = N - 6; x < N; x++) mask[y * N + x] = 0
    const warped = warpByFlow(image(5), flow, mask)
    const { photometric } = photometricResidual(image(0), image(5), warped, mask)
    expect(photometric.after).toBe(0)
    expect(photometric.before).toBeGreaterThan(4)
  })
})

describe('landmarks and template', () => {
  it('has 68 different vertices and picks them', () => {
    expect(new Set(LANDMARK_VERTICES).size).toBe(68)
    const mesh = Float32Array.from({ length: 468 * 3 }, (_, i) => i)
    expect([...landmarks68(mesh).slice(0, 2)]).toEqual([162 * 3, 162 * 3 + 1])
    expect(() => landmarks68(new Float32Array(3))).toThrow(/468x3/)
  })

  it('loads the committed template, left-right symmetric about the centre', async () => {
    const { landmarks68: points, size: side } = await loadTemplate()
    expect(side).toBe(N)
    expect(((points[72] as number) + (points[90] as number)) / 2).toBeCloseTo(112, 3)
    expect(points[73]).toBeCloseTo(points[91] as number, 3)
  })

  it.each([
    ['not json', /not valid JSON/],
    ['{"version":9}', /version 9/],
    ['{"version":1,"size":100}', /size 100/],
    ['{"version":1,"size":224,"landmarks68":[[1,2]]}', /1 landmarks/],
  ])('refuses the template %s', (text, message) => {
    expect(() => parseTemplate(text, 'template.json')).toThrow(message)
  })

  it('names a missing template', async () => {
    await expect(loadTemplate('/nowhere/template.json')).rejects.toMatchObject({ code: 'INVALID_WEIGHTS' })
  })
})

function applySimilarityPrecise(s: { a: number; b: number; tx: number; ty: number }, points: number[]) {
  const out: number[] = []
  for (let i = 0; i < points.length; i += 2)
    out.push(...applySimilarity(s, points[i] as number, points[i + 1] as number))
  return out
}

it('no similarity comes of points or numbers that are not finite', () => {
  const square = [0, 0, 1, 0, 1, 1, 0, 1]
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const broken = square.map((one, i) => (i === 2 ? value : one))
    expect(() => fitSimilarity(square, broken)).toThrow(refused)
    expect(() => fitSimilarity(broken, square)).toThrow(refused)
    for (const key of ['a', 'b', 'tx', 'ty']) {
      expect(() => invertSimilarity({ a: 1, b: 0, tx: 0, ty: 0, [key]: value })).toThrow(refused)
    }
  }
})
