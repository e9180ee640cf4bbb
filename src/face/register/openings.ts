/** Vertices of the upper edge of a gap, of the lower one, and of the skin beyond each. */
export type Gap = readonly [upper: number, lower: number, beyondUpper: number, beyondLower: number]

// biome-ignore format: *right* is the person's
export const RIGHT_LIDS: readonly Gap[] = [
  [246, 7, 247, 25], [161, 163, 30, 110], [160, 144, 29, 24], [159, 145, 27, 23], [158, 153, 28, 22], [157, 154, 56, 26], [173, 155, 190, 112],
]
// biome-ignore format: outer corner to inner one, as above
export const LEFT_LIDS: readonly Gap[] = [
  [466, 249, 467, 255], [388, 390, 260, 339], [387, 373, 259, 254], [386, 374, 257, 253], [385, 380, 258, 252], [384, 381, 286, 256], [398, 382, 414, 341],
]
// biome-ignore format: right to left
export const INNER_LIP_GAPS: readonly Gap[] = [
  [191, 95, 185, 146], [80, 88, 40, 91], [81, 178, 39, 181], [82, 87, 37, 84], [13, 14, 0, 17], [312, 317, 267, 314], [311, 402, 269, 405], [310, 318, 270, 321], [415, 324, 409, 375],
]
/** All of them. */
export const GAPS: readonly Gap[] = /* @__PURE__ */ RIGHT_LIDS.concat(LEFT_LIDS, INNER_LIP_GAPS)

/** Gaps of lids and lips that flows follow. */
export const OPENING_GAPS = GAPS.length

/** Numbers of one frame's edges: upper ones, then lower ones. */
export const EDGE_NUMBERS = 2 * OPENING_GAPS * 4

/**
 * The edges of lids and lips of one frame, 2 x gaps x 4 in template px, as `flowOnFace` takes them.
 * @param places 468x3, its landmarks in template px
 */
export function openingEdges(places: Float32Array): Float32Array {
  const edges = new Float32Array(EDGE_NUMBERS)
  for (const [gap, vertices] of GAPS.entries()) {
    for (const side of [0, 1] as const) {
      const at = (vertex: number) => [places[3 * vertex] as number, places[3 * vertex + 1] as number] as const
      const [x, y] = at(vertices[side])
      const [u, v] = at(vertices[side + 2] as number)
      const length = Math.hypot(u - x, v - y)
      if (length > 0) edges.set([x, y, (u - x) / length, (v - y) / length], 4 * (side * OPENING_GAPS + gap))
    }
  }
  return edges
}
