import type { RegisteredFlowResult } from '../src/index.js'
import { type ErrorSummary, FlowErrors, STATE } from './errors.js'
import { TRUTH_SIZE, type TruePair } from './pairs.js'
import { filled, hull, type Point } from './polygons.js'

/** How much of the face has no flow, and what the flow beyond the mesh is worth. */
export interface ExtentSummary {
  /** Share of the face's pixels (visible and occluded) that the mesh leaves out, and that have no flow. */
  readonly offMesh: number
  readonly withoutFlow: number
  /** Visible pixels of the face beyond the mesh that have flow; null where there are none. */
  readonly beyond: ErrorSummary | null
  /** The same, had the mesh's flow been carried on to them by a quadratic function of the place (least squares). */
  readonly quadratic: ErrorSummary | null
}

const SIZE = 2 * TRUTH_SIZE

/**
 * Height of the forehead above the brows in distances of the mesh's brows from its base of the nose, and how far it lies back. The
 * mesh draws faces shorter than they are: by true landmarks it is 0.75.
 */
const HAIR_LINE = 1
const SLOPE = 0.3
const ARC = 33

/** Mesh vertices: of the jaw from ear to ear, 17; the highest of each brow; the base of the nose. */
const JAW = [234, 93, 132, 58, 172, 136, 150, 149, 152, 378, 379, 365, 397, 288, 361, 323, 454]
const BROWS = [105, 334]
const NOSE = 2

type Vec3 = readonly [number, number, number]

/**
 * The face by the mesh: the hull of jaw and an arc from ear to ear over the hair line.
 * @param mesh 468x3, template px
 * @returns 224x224 of 0/1
 */
export function faceByMesh(mesh: ArrayLike<number>): Uint8Array {
  const vertex = (v: number): Vec3 => [
    mesh[3 * v] as number,
    mesh[3 * v + 1] as number,
    mesh[3 * v + 2] as number,
  ]
  const combined = (parts: readonly (readonly [number, Vec3])[]): Vec3 =>
    [0, 1, 2].map((axis) =>
      parts.reduce((sum, [w, p]) => sum + w * (p[axis] as number), 0),
    ) as unknown as Vec3
  const [right, left] = [vertex(JAW[0] as number), vertex(JAW.at(-1) as number)]
  const brows = combined(BROWS.map((v) => [0.5, vertex(v)]))
  const up = combined([
    [1, brows],
    [-1, vertex(NOSE)],
  ])
  const across = combined([
    [1, left],
    [-1, right],
  ])
  const normal: Vec3 = [
    across[1] * up[2] - across[2] * up[1],
    across[2] * up[0] - across[0] * up[2],
    across[0] * up[1] - across[1] * up[0],
  ]
  // Away from the viewer.
  const back = (Math.sign(normal[2]) * SLOPE * Math.hypot(...up)) / Math.hypot(...normal)
  const top = combined([
    [1, brows],
    [HAIR_LINE, up],
    [HAIR_LINE * back, normal],
  ])
  const arc = Array.from({ length: ARC }, (_, i): Point => {
    const angle = (Math.PI * (i + 1)) / (ARC + 1)
    const [c, s] = [Math.cos(angle), Math.sin(angle)]
    const [x, y] = combined([
      [0.5 * (1 - s + c), left],
      [0.5 * (1 - s - c), right],
      [s, top],
    ])
    return [x, y]
  })
  const jaw = JAW.map((v): Point => [mesh[3 * v] as number, mesh[3 * v + 1] as number])
  return filled([hull([...jaw, ...arc])], SIZE, SIZE)
}

/** Sums over pairs. */
export class ExtentErrors {
  #face = 0
  #offMesh = 0
  #withoutFlow = 0
  #beyond = 0
  readonly #errors = new FlowErrors()
  readonly #quadratic = new FlowErrors()

  add(pair: TruePair, { flow, mask, meshMask, meshA }: RegisteredFlowResult): void {
    const face = faceByMesh(meshA)
    const carriedOn = quadraticFlow(flow, meshMask)
    pair.state.forEach((state, t) => {
      const [x, y] = [2 * (t % TRUTH_SIZE), 2 * Math.floor(t / TRUTH_SIZE)]
      const p = y * SIZE + x
      if (face[p] === 0 || (state !== STATE.visible && state !== STATE.occluded)) return
      this.#face++
      if (meshMask[p] !== 0) return
      this.#offMesh++
      if (mask[p] === 0) {
        this.#withoutFlow++
        return
      }
      if (state === STATE.visible) this.#beyond++
      const truth = [0, 1, 2].map((c) => pair.flow[3 * t + c] as number) as unknown as Vec3
      const errorOf = (found: ArrayLike<number>): Vec3 => [
        (found[0] as number) - truth[0],
        (found[1] as number) - truth[1],
        (found[2] as number) - truth[2],
      ]
      this.#errors.add(...errorOf(flow.subarray(3 * p, 3 * p + 3)), state)
      this.#quadratic.add(...errorOf(carriedOn(x + 0.5, y + 0.5)), state)
    })
  }

  summary(): ExtentSummary {
    return {
      offMesh: this.#offMesh / this.#face,
      withoutFlow: this.#withoutFlow / this.#face,
      beyond: this.#beyond > 0 ? this.#errors.summary() : null,
      quadratic: this.#beyond > 0 ? this.#quadratic.summary() : null,
    }
  }
}

const TERMS = 6

/** 1, x, y, x^2, xy, y^2 about the frame's middle. */
function terms(x: number, y: number): number[] {
  const [u, v] = [x / (SIZE / 2) - 1, y / (SIZE / 2) - 1]
  return [1, u, v, u * u, u * v, v * v]
}

/** The quadratic functions of the place that fit the flow on the mask best. */
function quadraticFlow(flow: Float32Array, mask: Uint8Array): (x: number, y: number) => number[] {
  // Normal equations, three right sides.
  const rows = Array.from({ length: TERMS }, () => new Float64Array(TERMS + 3))
  mask.forEach((covered, p) => {
    if (covered === 0) return
    const own = terms((p % SIZE) + 0.5, Math.floor(p / SIZE) + 0.5)
    own.forEach((a, i) => {
      const row = rows[i] as Float64Array
      own.forEach((b, j) => {
        row[j] = (row[j] as number) + a * b
      })
      for (let c = 0; c < 3; c++)
        row[TERMS + c] = (row[TERMS + c] as number) + a * (flow[3 * p + c] as number)
    })
  })
  // Gauss-Jordan: the matrix is symmetric and positive definite, so it needs no pivots.
  for (let i = 0; i < TERMS; i++) {
    const row = rows[i] as Float64Array
    const pivot = row[i] as number
    for (let k = i; k < row.length; k++) row[k] = (row[k] as number) / pivot
    rows.forEach((other, j) => {
      const factor = other[i] as number
      if (j === i || factor === 0) return
      for (let k = i; k < row.length; k++) other[k] = (other[k] as number) - factor * (row[k] as number)
    })
  }
  return (x, y) => {
    const own = terms(x, y)
    return [0, 1, 2].map((c) =>
      own.reduce((sum, a, i) => sum + a * ((rows[i] as Float64Array)[TERMS + c] as number), 0),
    )
  }
}
