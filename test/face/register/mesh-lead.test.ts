import { describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../../src/face/network-files.js'
import { flowPlaces, MeshLead } from '../../../src/face/register/mesh-lead.js'
import { GAPS, INNER_LIP_GAPS } from '../../../src/face/register/openings.js'
import { canonicalMesh, facingArea } from '../../../src/products/face-shape.js'
import { seededRandom } from '../../../src/runtime/seeded-random.js'

const { ncc, template, triangles } = await loadNetworkFiles()
/** The canonical face in the template frame, roughly. */
const mesh = canonicalMesh(ncc, template).map((value, i) => 10 * value + (i % 3 < 2 ? 112 : 0))
const lead = new MeshLead(triangles)

const [CHIN, NOSE_TIP, FOREHEAD, CHEEK] = [152, 4, 10, 50]

function at(vertices: Float32Array, v: number): number[] {
  return Array.from(vertices.subarray(3 * v, 3 * v + 3))
}

function moved(vertices: readonly number[], dy: number): Float32Array {
  const places = mesh.slice()
  for (const v of new Set(vertices)) places[3 * v + 1] = (places[3 * v + 1] as number) + dy
  return places
}

function gapsOf(vertices: Float32Array): number[] {
  return GAPS.map(([upper, lower]) => (at(vertices, lower)[1] as number) - (at(vertices, upper)[1] as number))
}

/** Triangles that faced the camera and do not. */
function turnedOver(before: Float32Array, after: Float32Array): number {
  const all = Array.from({ length: triangles.length / 3 }, (_, t) => t)
  const front = Math.sign(all.reduce((sum, t) => sum + facingArea(before, triangles, t), 0))
  const area = (vertices: Float32Array, t: number) => front * facingArea(vertices, triangles, t)
  return all.filter((t) => isSkin(t) && area(before, t) > 0 && area(after, t) < -2e-3).length
}

/** Not of lids or inner lips alone, which shut to nothing. */
function isSkin(t: number): boolean {
  return [0, 1, 2].some((corner) => !OPENINGS.has(triangles[3 * t + corner] as number))
}
const OPENINGS = new Set([33, 133, 362, 263, 78, 308, ...GAPS.flatMap((gap) => gap.slice(0, 2))])

describe('a mesh led by landmarks', () => {
  it('is as it was where they agree', () => {
    expect(lead.led(mesh, mesh)).toEqual(mesh)
  })

  it('has chin and lips where they are, and nose and forehead where it had them', () => {
    const corner = mesh[3 * 61] as number
    const mouth = mesh[3 * 14 + 1] as number
    const upper = new Set(INNER_LIP_GAPS.map(([edge]) => edge))
    // The jaw opens, most in the middle.
    const places = mesh.map((value, i) => {
      const v = Math.floor(i / 3)
      if (i % 3 === 2) return 99
      if (i % 3 === 0 || value < mouth - 0.5 || upper.has(v)) return value
      return value + 4 * Math.max(0, 1 - (((mesh[3 * v] as number) - 112) / (112 - corner)) ** 2)
    })
    places[3 * NOSE_TIP] = 200
    const led = lead.led(mesh, places)
    for (const v of [13, 14, 17, 87, 317, CHIN]) {
      expect(led[3 * v + 1]).toBeCloseTo(places[3 * v + 1] as number, 1)
    }
    for (const v of [NOSE_TIP, FOREHEAD]) expect(at(led, v)).toEqual(at(mesh, v))
    // Depth is the mesh's.
    expect(led.filter((_, i) => i % 3 === 2)).toEqual(mesh.filter((_, i) => i % 3 === 2))
  })

  it('fades from what moves to what does not', () => {
    const places = mesh.map((value, i) => (i % 3 === 1 ? value + 3 : value))
    const change = (lead.led(mesh, places)[3 * CHEEK + 1] as number) - (mesh[3 * CHEEK + 1] as number)
    expect(change).toBeGreaterThan(0.5)
    expect(change).toBeLessThan(2.5)
  })

  it('shuts lids and lips that would cross, halfway', () => {
    const places = mesh.slice()
    for (const [upper, lower] of GAPS)
      places.set(
        at(mesh, lower).map((value, axis) => value + (axis === 1 ? 1 : 0)),
        3 * upper,
      )
    const gaps = gapsOf(lead.led(mesh, places))
    expect(Math.min(...gaps)).toBeGreaterThan(-0.1)
    // In the middle of eyes and mouth; in the corners what surrounds them holds some open.
    for (const gap of [3, 10, 18]) expect(gaps[gap]).toBeLessThan(0.5)
    expect(Math.min(...gapsOf(places))).toBeLessThan(-0.9)
  })

  it('turns no triangle over', () => {
    const random = seededRandom('folds')
    const places = mesh.map((value, i) => value + (i % 3 === 2 ? 0 : 3 * (random() - 0.5)))
    expect(turnedOver(mesh, lead.led(mesh, places))).toBe(0)
  })

  describe('of a head turned far, where the two networks differ much', () => {
    const [cos, sin] = [Math.cos(0.8), Math.sin(0.8)]
    const turned = mesh.map((value, i) => {
      const [x, z] = [(mesh[i - (i % 3)] as number) - 112, mesh[i - (i % 3) + 2] as number]
      if (i % 3 === 1) return value
      return i % 3 === 0 ? 112 + cos * x + sin * z : cos * z - sin * x
    })
    const ledBy = (dx: number) =>
      lead.led(
        turned,
        turned.map((value, i) => value + (i % 3 === 0 ? dx : 0)),
      )

    it.each([-20, 20])('turns none over: %d px', (dx) => {
      const led = ledBy(dx)
      expect(turnedOver(turned, led)).toBe(0)
      expect(led.every(Number.isFinite)).toBe(true)
    })

    it.each([-1, 1])('follows them by degrees: to %d', (side) => {
      for (let dx = 0, before = ledBy(0); dx < 20; dx++) {
        const led = ledBy(side * (dx + 1))
        const changes = led.map((value, i) => Math.abs(value - (before[i] as number)))
        expect(Math.max(...changes)).toBeLessThan(1.6)
        // The landmarks are 1 px further off.
        expect(changes.reduce((sum, change) => sum + change, 0) / (led.length / 3)).toBeLessThan(0.7)
        before = led
      }
    })
  })

  it('draws no corner at the ears, where the landmarks have the side of the face further out', () => {
    const places = mesh.slice()
    for (const [v, dx] of [
      [93, -17],
      [323, 17],
    ] as const)
      places[3 * v] = (places[3 * v] as number) + dx
    const led = lead.led(mesh, places)
    for (const v of [93, 323])
      expect(Math.abs((led[3 * v] as number) - (mesh[3 * v] as number))).toBeLessThan(12)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'is none of points that are %d, of whichever network',
    (value) => {
      const broken = mesh.slice()
      broken[3 * CHIN + 1] = value
      for (const call of [() => lead.led(mesh, broken), () => lead.led(broken, mesh)]) {
        expect(call).toThrow(expect.objectContaining({ code: 'NUMERIC_OVERFLOW' }))
        expect(call).toThrow(`vertex ${CHIN}`)
      }
      expect(() => lead.led(mesh, mesh.slice(3))).toThrow('1401 numbers')
    },
  )

  it('leaves what it was given alone', () => {
    const [before, places] = [mesh.slice(), moved([CHIN], 5)]
    const copy = places.slice()
    expect(lead.led(mesh, places)).toEqual(lead.led(mesh, places))
    expect(mesh).toEqual(before)
    expect(places).toEqual(copy)
  })
})

it('flow of an edge is read 2 px behind it, of other vertices at their places', () => {
  const places = flowPlaces(mesh)
  const [upper, , beyond] = GAPS[3] as (typeof GAPS)[0]
  const [x = 0, y = 0] = at(mesh, upper)
  const [u = 0, v = 0] = at(places, upper)
  expect(Math.hypot(u - x, v - y)).toBeCloseTo(2, 4)
  expect(at(places, upper)[1]).toBeLessThan(y)
  expect(at(places, CHIN)).toEqual(at(mesh, CHIN))
  expect(at(places, beyond)).toEqual(at(mesh, beyond))
})
