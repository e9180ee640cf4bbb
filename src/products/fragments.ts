import { at } from '../geometry/array.js'

/** What follows from the raster of a mesh: pixels of `rasterise`, (z, weights of two corners, triangle or -1) each. */

/** 1 on the face, 0 elsewhere; and z of its surface, 0 elsewhere. */
export function surfaceOf(fragments: Float32Array): { mask: Uint8Array; depth: Float32Array } {
  const pixels = fragments.length / 4
  const mask = new Uint8Array(pixels)
  const depth = new Float32Array(pixels)
  for (let i = 0; i < pixels; i++) {
    if (at(fragments, 4 * i + 3) < 0) continue
    mask[i] = 1
    depth[i] = at(fragments, 4 * i)
  }
  return { mask, depth }
}

/**
 * The PNCC: every pixel's place in the canonical face. Rounded as the kernel that interpolates it for DFFNet rounds.
 * @param triangles Tx3 vertices
 * @param ncc Vx3 in [0, 1]
 * @returns three numbers a pixel, 0 off the face
 */
export function pnccOf(
  fragments: Float32Array,
  triangles: ArrayLike<number>,
  ncc: Float32Array,
): Float32Array {
  const pixels = fragments.length / 4
  const out = new Float32Array(pixels * 3)
  const { fround } = Math
  for (let i = 0; i < pixels; i++) {
    const triangle = at(fragments, 4 * i + 3)
    if (triangle < 0) continue
    const u = at(fragments, 4 * i + 1)
    const v = at(fragments, 4 * i + 2)
    const a = 3 * at(triangles, 3 * triangle)
    const b = 3 * at(triangles, 3 * triangle + 1)
    const c = 3 * at(triangles, 3 * triangle + 2)
    for (let axis = 0; axis < 3; axis++) {
      const last = at(ncc, c + axis)
      const first = fround(u * fround(at(ncc, a + axis) - last))
      const second = fround(v * fround(at(ncc, b + axis) - last))
      out[3 * i + axis] = fround(last + first) + second
    }
  }
  return out
}
