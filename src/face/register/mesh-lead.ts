import { EngineError } from '../../errors.js'
import { assertFinite } from '../../geometry/finite.js'
import { MESH_VERTICES } from '../../geometry/types.js'
import { LEAD_MOST } from '../../nets/registered-flow.js'
import { edgesOf, LIDS, leadShares } from './lead-shares.js'
import { GAPS, INNER_LIP_GAPS } from './openings.js'
import { SkinFolds } from './skin-folds.js'

/** Triangles of these alone are no skin: they span eyes and mouth, and shut to nothing. */
const OPENINGS: ReadonlySet<number> = /* @__PURE__ */ new Set(
  /* @__PURE__ */ LIDS.concat(78, 308, /* @__PURE__ */ edgesOf(INNER_LIP_GAPS)),
)

/** The mesh goes to the landmarks in so many equal steps: what one of them turns over is turned over by little, and by little turned back. */
const STEPS = 8
/** Sweeps of {@link SkinFolds} after each step; further ones after the last, in which skin has the last word over lids and lips. */
const [SWEEPS, LAST_SWEEPS] = [12, 120]

/**
 * Leads meshes of 3DMeshReg by landmarks of the same frames. The attention network, which registers photos, sees lids, lips and jaw where
 * they are; 3DMeshReg draws shut eyes half open, the mouth too wide and the chin too high, and keeps nose, brows, forehead and depth as
 * well or better.
 */
export class MeshLead {
  readonly #skin: Uint32Array
  readonly #shares: Float64Array

  /** @param triangles of the mesh, Tx3 */
  constructor(triangles: Uint32Array) {
    this.#skin = triangles.filter((_, i) => {
      const first = i - (i % 3)
      return triangles.subarray(first, first + 3).some((v) => !OPENINGS.has(v))
    })
    this.#shares = leadShares(triangles)
  }

  /**
   * The mesh with lids, lips and jaw where the landmarks have them, none moved by more than `LEAD_MOST`. Vertices move in the
   * plane; depth stays, so that lips keep their bulge. Lids and lips that would cross meet halfway. Skin that faced the camera still does: what the move would turn over is pushed
   * apart, by as much as it lacks, so that the mesh changes with the landmarks and never jumps.
   * @param mesh 468x3 of 3DMeshReg, template px
   * @param places 468x3, landmarks of the same frame, template px
   * @returns 468x3, template px
   * @throws EngineError NUMERIC_OVERFLOW where a network gave a number that is none: no triangle of it would count as turned over
   */
  led(mesh: Float32Array, places: Float32Array): Float32Array {
    assertMesh(mesh, 'the mesh')
    assertMesh(places, 'the landmarks')
    const folds = new SkinFolds(mesh, this.#skin)
    const way = this.#wayTo(places, mesh)
    const led = Float64Array.from(mesh)
    for (let step = 0; step < STEPS; step++) {
      for (let i = 0; i < led.length; i++) led[i] = (led[i] as number) + (way[i] as number) / STEPS
      for (let sweep = 0; sweep < SWEEPS; sweep++) {
        uncross(led)
        if (!folds.sweep(led, sweep % 2 === 1)) break
      }
    }
    for (let sweep = 0; sweep < LAST_SWEEPS; sweep++) if (!folds.sweep(led, sweep % 2 === 1)) break
    return Float32Array.from(led)
  }

  /** Vx3, from the mesh; z is 0. */
  #wayTo(places: Float32Array, mesh: Float32Array): Float64Array {
    const way = new Float64Array(mesh.length)
    for (const [v, share] of this.#shares.entries()) {
      const dx = share * ((places[3 * v] as number) - (mesh[3 * v] as number))
      const dy = share * ((places[3 * v + 1] as number) - (mesh[3 * v + 1] as number))
      const part = LEAD_MOST / Math.max(Math.hypot(dx, dy), LEAD_MOST)
      way[3 * v] = part * dx
      way[3 * v + 1] = part * dy
    }
    return way
  }
}

function assertMesh(points: Float32Array, what: string): void {
  assertFinite(points, `${what} of a frame`, 'vertex', 3)
  if (points.length === 3 * MESH_VERTICES) return
  throw new EngineError(
    'NUMERIC_OVERFLOW',
    `${what} of a frame: ${points.length} numbers, not ${MESH_VERTICES}x3`,
  )
}

/** Where the flow of an edge of lids or lips is read, px into its skin: where both edges meet, one pixel is both. */
const BEHIND = 2

/**
 * Where the flow of each vertex of a led mesh is read.
 * @param mesh 468x3, template px
 * @returns 468x3
 */
export function flowPlaces(mesh: Float32Array): Float32Array {
  const places = mesh.slice()
  for (const [upper, lower, beyondUpper, beyondLower] of GAPS) {
    for (const [edge, beyond] of [
      [upper, beyondUpper],
      [lower, beyondLower],
    ] as const) {
      const [dx, dy] = between(mesh, edge, beyond)
      const share = BEHIND / Math.max(BEHIND, Math.hypot(dx, dy))
      places[3 * edge] = (mesh[3 * edge] as number) + share * dx
      places[3 * edge + 1] = (mesh[3 * edge + 1] as number) + share * dy
    }
  }
  return places
}

/** Edges of a gap that have passed each other go to the middle between them. */
function uncross(mesh: Float64Array): void {
  for (const [upper, lower, beyondUpper, beyondLower] of GAPS) {
    const [ax, ay] = between(mesh, beyondUpper, beyondLower)
    const [gx, gy] = between(mesh, upper, lower)
    const gap = ax * gx + ay * gy
    if (gap >= 0) continue
    const half = gap / (2 * (ax * ax + ay * ay))
    for (const [v, share] of [
      [upper, half],
      [lower, -half],
    ] as const) {
      mesh[3 * v] = (mesh[3 * v] as number) + share * ax
      mesh[3 * v + 1] = (mesh[3 * v + 1] as number) + share * ay
    }
  }
}

/** In the plane, from one vertex to another. */
function between(mesh: ArrayLike<number>, from: number, to: number): readonly [number, number] {
  return [
    (mesh[3 * to] as number) - (mesh[3 * from] as number),
    (mesh[3 * to + 1] as number) - (mesh[3 * from + 1] as number),
  ]
}
