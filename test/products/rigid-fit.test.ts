import { describe, expect, it } from 'vitest'
import { medianInPlace } from '../../src/geometry/median.js'
import { rotationFromAngles } from '../../src/geometry/rotation.js'
import { applySimilarity3 } from '../../src/geometry/similarity3.js'
import { fitRigidRobust } from '../../src/products/rigid-motion.js'
import { seededRandom } from '../random.js'
import { referenceRigidMotion } from '../reference/rigid-motion.js'
import { ellipsoidMesh } from '../support/synthetic.js'

describe('median', () => {
  it('is that of the sorted values, whatever their order and number', () => {
    const random = seededRandom('median')
    for (let length = 1; length <= 60; length++) {
      // Few distinct values, so that many are equal.
      const values = Float64Array.from({ length }, () => Math.floor(random() * 12))
      const sorted = [...values].sort((a, b) => a - b)
      const expected = ((sorted[(length - 1) >> 1] as number) + (sorted[length >> 1] as number)) / 2
      expect(medianInPlace(values, (value) => value)).toBe(expected)
    }
  })
})

describe('robust rigid fit against its plain computation', () => {
  const { vertices } = ellipsoidMesh()

  // Odd and even numbers of points; noise in px; a share that moves otherwise.
  it.each([
    { points: 468, noise: 0, astray: 0 },
    { points: 468, noise: 0.4, astray: 0.2 },
    { points: 467, noise: 0.4, astray: 0.35 },
    { points: 467, noise: 3, astray: 0.5 },
    { points: 300, noise: 0.05, astray: 0.6 },
    { points: 12, noise: 1, astray: 0.3 },
    { points: 2, noise: 0, astray: 0 },
  ])('$points points, noise $noise px, $astray astray', ({ points, noise, astray }) => {
    const random = seededRandom(`${points} points`)
    for (let round = 0; round < 3; round++) {
      const s = {
        rotation: rotationFromAngles(40 * random() - 20, 30 * random() - 15, 30 * random() - 15),
        scale: 0.9 + 0.2 * random(),
        translation: [9 * random(), -9 * random(), random()] as [number, number, number],
      }
      const source: number[] = []
      const target: number[] = []
      for (let i = 0; i < points; i++) {
        const [x, y, z] = [...vertices.subarray(3 * i, 3 * i + 3)] as [number, number, number]
        const moved = applySimilarity3(s, x, y, z)
        const jump = random() < astray ? 12 : 0
        source.push(x, y, z)
        target.push(...moved.map((v, axis) => v + noise * (random() - 0.5) + (axis === 1 ? jump : 0)))
      }
      const found = fitRigidRobust(source, target)
      const expected = referenceRigidMotion(source, target)
      const numbers = (m: typeof found) => [
        ...m.rotation,
        ...m.translation,
        ...Object.values(m.angles),
        m.scale,
        m.inliers,
        m.residual,
      ]
      for (const [i, v] of numbers(found).entries()) {
        expect(Math.abs(v - (numbers(expected)[i] as number)), `number ${i}`).toBeLessThan(1e-6)
      }
      expect(fitRigidRobust(Float32Array.from(source), Float32Array.from(target))).toEqual(
        fitRigidRobust(Float32Array.from(source), Float32Array.from(target)),
      )
    }
  })
})
