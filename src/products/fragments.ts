/** What follows from the raster of a mesh: pixels of `rasterise`, (z, weights of two corners, triangle or -1) each. */

/** 1 on the face, 0 elsewhere; and z of its surface, 0 elsewhere. */
export function surfaceOf(fragments: Float32Array): { mask: Uint8Array; depth: Float32Array } {
  const pixels = fragments.length / 4
  const mask = new Uint8Array(pixels)
  const depth = new Float32Array(pixels)
  for (let i = 0; i < pixels; i++) {
    if ((fragments[4 * i + 3] as number) < 0) continue
    mask[i] = 1
    depth[i] = fragments[4 * i] as number
  }
  return { mask, depth }
}

/** 1 where one of the first `triangles` is, 0 elsewhere. */
export function maskOf(fragments: Float32Array, triangles: number): Uint8Array {
  const mask = new Uint8Array(fragments.length / 4)
  for (let i = 0; i < mask.length; i++) {
    const triangle = fragments[4 * i + 3] as number
    mask[i] = triangle >= 0 && triangle < triangles ? 1 : 0
  }
  return mask
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
    const triangle = fragments[4 * i + 3] as number
    if (triangle < 0) continue
    const u = fragments[4 * i + 1] as number
    const v = fragments[4 * i + 2] as number
    const a = 3 * (triangles[3 * triangle] as number)
    const b = 3 * (triangles[3 * triangle + 1] as number)
    const c = 3 * (triangles[3 * triangle + 2] as number)
    for (let axis = 0; axis < 3; axis++) {
      const last = ncc[c + axis] as number
      const first = fround(u * fround((ncc[a + axis] as number) - last))
      const second = fround(v * fround((ncc[b + axis] as number) - last))
      out[3 * i + axis] = fround(last + first) + second
    }
  }
  return out
}
