import { facingArea } from '../../products/face-shape.js'

/** Of the area that a triangle shows to the camera, it keeps so much. */
const KEPT = 0.2
/**
 * A triangle that is turned away may turn so many times as far: were it free at once, what it pushed would jump back as it turns away from
 * one frame of a video to the next.
 */
const FURTHER = 20
/** Twice an area, px^2: who lacks less than this, and less than half of what it should keep, is let be. It is what a hundredth of a px makes of an edge of 1 px. */
const SLACK = 0.01
/** Added to squared lengths, px^2: triangles that have shrunk to a point would throw their corners far. */
const SOFTENING = 0.5

/** Keeps triangles from being turned over by moves that begin at nothing, so that the mesh follows what leads it without jumps. */
export class SkinFolds {
  readonly #triangles: Uint32Array
  /** 1 or -1: which order of corners faces the camera. */
  readonly #front: number
  /** Of each triangle, twice an area, px^2, less than 0 where it may be turned away: below the one it is moved, to the other. */
  readonly #limits: Float64Array
  readonly #goals: Float64Array

  /**
   * @param mesh Vx3, px: how the triangles face the camera
   * @param triangles Tx3, those that shall not be turned over
   */
  constructor(mesh: ArrayLike<number>, triangles: Uint32Array) {
    this.#triangles = triangles
    const areas = new Float64Array(triangles.length / 3).map((_, t) => facingArea(mesh, triangles, t))
    // That of most of the face.
    this.#front = Math.sign(areas.reduce((sum, area) => sum + area, 0))
    const facing = areas.map((area) => this.#front * area)
    this.#goals = facing.map((area) => area * (area > 0 ? KEPT : FURTHER))
    this.#limits = this.#goals.map((goal) => goal - (goal > 0 ? Math.min(SLACK, goal / 2) : SLACK))
  }

  /**
   * One triangle after the other, those that are turned over or about to be get the area that they lack, by the smallest move of their
   * corners.
   * @param mesh Vx3, px; moved in the plane
   * @param backwards last triangle first: taken in turns, neither end of the list always has the last word
   * @returns false where nothing had to move
   */
  sweep(mesh: Float64Array, backwards: boolean): boolean {
    const [triangles, front, limits] = [this.#triangles, this.#front, this.#limits]
    const count = limits.length
    let moved = false
    for (let i = 0; i < count; i++) {
      const t = backwards ? count - 1 - i : i
      const area = front * facingArea(mesh, triangles, t)
      if (area >= (limits[t] as number)) continue
      moved = true
      const a = 3 * (triangles[3 * t] as number)
      const b = 3 * (triangles[3 * t + 1] as number)
      const c = 3 * (triangles[3 * t + 2] as number)
      const [ax, ay] = [mesh[a] as number, mesh[a + 1] as number]
      const [bx, by] = [mesh[b] as number, mesh[b + 1] as number]
      const [cx, cy] = [mesh[c] as number, mesh[c + 1] as number]
      // The area grows fastest with a corner that leaves the opposite edge, by the length of that edge.
      const edges =
        (bx - cx) ** 2 + (by - cy) ** 2 + (cx - ax) ** 2 + (cy - ay) ** 2 + (ax - bx) ** 2 + (ay - by) ** 2
      const step = (front * ((this.#goals[t] as number) - area)) / (edges + SOFTENING)
      mesh[a] = ax + step * (by - cy)
      mesh[a + 1] = ay + step * (cx - bx)
      mesh[b] = bx + step * (cy - ay)
      mesh[b + 1] = by + step * (ax - cx)
      mesh[c] = cx + step * (ay - by)
      mesh[c + 1] = cy + step * (bx - ax)
    }
    return moved
  }
}
