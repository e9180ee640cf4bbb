import { EngineError } from '../../errors.js'
import { at } from '../../geometry/array.js'
import { assertFinite } from '../../geometry/finite.js'
import { MESH_VERTICES } from '../../geometry/types.js'
import { facingArea } from '../../products/face-shape.js'
import { edgesOf, LIDS, leadShares } from './lead-shares.js'
import { type MeshSurface, meshSurface } from './mesh-surface.js'
import { GAPS, INNER_LIP_GAPS } from './openings.js'

/** Triangles of these alone are no skin: they span eyes and mouth, and shut to nothing. */
const OPENINGS: ReadonlySet<number> = /* @__PURE__ */ new Set(
  /* @__PURE__ */ LIDS.concat(78, 308, /* @__PURE__ */ edgesOf(INNER_LIP_GAPS)),
)

/** 4 are enough for 42 frames of six clips of people who talk; 20 for all but 7 of 114 photos, heads turned by 26 degrees and more. */
const UNFOLDING_STEPS = 24
/** Where all of the way to the landmarks leaves skin turned over, the longest part that does not is sought by so many bisections. */
const BISECTIONS = 6
/** Twice the area of a triangle, px^2, beyond which it counts as turned over. */
const TURNED_OVER = 1e-3

/**
 * Leads meshes of 3DMeshReg by landmarks of the same frames. The attention network, which registers photos, sees lids, lips and jaw where
 * they are; 3DMeshReg draws shut eyes half open, the mouth too wide and the chin too high, and keeps nose, brows, forehead and depth as
 * well or better.
 */
export class MeshLead {
  readonly #triangles: Uint32Array
  readonly #isSkin: readonly boolean[]
  readonly #surface: MeshSurface
  readonly #shares: Float64Array

  /** @param triangles of the mesh, Tx3 */
  constructor(triangles: Uint32Array) {
    this.#triangles = triangles
    this.#isSkin = Array.from({ length: triangles.length / 3 }, (_, t) =>
      triangles.subarray(3 * t, 3 * t + 3).some((v) => !OPENINGS.has(v)),
    )
    this.#surface = meshSurface(triangles, MESH_VERTICES)
    this.#shares = leadShares(triangles)
  }

  /**
   * The mesh with lids, lips and jaw where the landmarks have them. Vertices move in the plane; depth stays, so that lips keep their
   * bulge. Lids and lips that would cross meet halfway. Skin that faced the camera still does: where the move would turn a triangle
   * over, its vertices go halfway to the mean of their neighbours, on the rim halfway back. Where that does not help, because the two networks
   * differ too much (heads turned far to a side), all go less far, or stay.
   * @param mesh 468x3 of 3DMeshReg, template px
   * @param places 468x3, landmarks of the same frame, template px
   * @returns 468x3, template px
   * @throws EngineError NUMERIC_OVERFLOW where a network gave a number that is none: no triangle of it would count as turned over
   */
  led(mesh: Float32Array, places: Float32Array): Float32Array {
    assertMesh(mesh, 'the mesh')
    assertMesh(places, 'the landmarks')
    const triangles = this.#triangles
    const areas = Array.from({ length: triangles.length / 3 }, (_, t) => facingArea(mesh, triangles, t))
    // Which order of corners faces the camera is that of most of the face.
    const front = Math.sign(areas.reduce((sum, area) => sum + area, 0))
    const seen = areas.flatMap((area, t) => (this.#isSkin[t] && front * area > 0 ? [t] : []))
    const turnedOver = (led: Float64Array) =>
      seen.filter((t) => front * facingArea(led, triangles, t) < -TURNED_OVER)
    const whole = this.#unfolded(mesh, places, 1, turnedOver)
    if (whole) return Float32Array.from(whole)
    // To a small part: in steps the mesh would jump between the frames of a video.
    let longest: ArrayLike<number> = mesh
    let [reached, beyond] = [0, 1]
    for (let i = 0; i < BISECTIONS; i++) {
      const part = (reached + beyond) / 2
      const led = this.#unfolded(mesh, places, part, turnedOver)
      if (led) [longest, reached] = [led, part]
      else beyond = part
    }
    return Float32Array.from(longest)
  }

  /** Moved by a part of the way; undefined where skin stays turned over. */
  #unfolded(
    mesh: Float32Array,
    places: Float32Array,
    part: number,
    turnedOver: (led: Float64Array) => number[],
  ): Float64Array | undefined {
    const led = this.#moved(mesh, places, part)
    let turned = turnedOver(led)
    for (let step = 0; step < UNFOLDING_STEPS && turned.length > 0; step++) {
      this.#unfold(led, mesh, turned)
      uncross(led)
      turned = turnedOver(led)
    }
    return turned.length === 0 ? led : undefined
  }

  /** @param part of the way to the landmarks that all go */
  #moved(mesh: Float32Array, places: Float32Array, part: number): Float64Array {
    const moved = Float64Array.from(mesh)
    for (const [v, most] of this.#shares.entries()) {
      const share = part * most
      for (const i of [3 * v, 3 * v + 1]) moved[i] = at(mesh, i) + share * (at(places, i) - at(mesh, i))
    }
    uncross(moved)
    return moved
  }

  #unfold(led: Float64Array, mesh: Float32Array, turned: readonly number[]): void {
    const { neighbours, isRim } = this.#surface
    const goals = new Map<number, readonly [number, number]>()
    for (const t of turned) {
      const corners = this.#triangles.subarray(3 * t, 3 * t + 3)
      const isOnRim = corners.some((v) => isRim[v] === 1)
      for (const v of corners) {
        goals.set(v, isOnRim ? meanOf(mesh, [v]) : meanOf(led, neighbours[v] as readonly number[]))
      }
    }
    for (const [v, goal] of goals) {
      led[3 * v] = 0.5 * (at(led, 3 * v) + goal[0])
      led[3 * v + 1] = 0.5 * (at(led, 3 * v + 1) + goal[1])
    }
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

function meanOf(mesh: ArrayLike<number>, vertices: readonly number[]): readonly [number, number] {
  let [x, y] = [0, 0]
  for (const v of vertices) {
    x += mesh[3 * v] as number
    y += mesh[3 * v + 1] as number
  }
  return [x / vertices.length, y / vertices.length]
}
