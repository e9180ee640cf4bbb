import { MESH_VERTICES } from '../../geometry/types.js'
import { LIPS } from '../../nets/mesh-topology.js'
import { meshNeighbours } from './mesh-neighbours.js'
import { type Gap, LEFT_LIDS, RIGHT_LIDS } from './openings.js'

export const edgesOf = (gaps: readonly Gap[]): number[] => gaps.flatMap((gap) => gap.slice(0, 2))
export const LIDS = /* @__PURE__ */ [33, 133, 362, 263].concat(
  /* @__PURE__ */ edgesOf(/* @__PURE__ */ RIGHT_LIDS.concat(LEFT_LIDS)),
)

// biome-ignore format: one line per part
const JAW: readonly number[] = [
  /* chin */ 150, 149, 176, 148, 152, 377, 400, 378, 379,
  /* its corners */ 136, 172, 58, 132, 365, 397, 288, 361,
]
/** There the mesh network is as near as the landmarks, or nearer. */
// biome-ignore format: one line per part
const STILL: readonly number[] = [
  /* nose */ 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 8, 9, 98, 97, 326, 327, 64, 294, 129, 358, 48, 278, 115, 344, 49, 279,
  /* brows */ 70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 46, 53, 52, 65, 55, 276, 283, 282, 295, 285,
  /* forehead */ 10, 338, 297, 332, 284, 251, 389, 356, 109, 67, 103, 54, 21, 162, 127, 151,
]

/** After so many the shares have settled to 2e-5. */
const SWEEPS = 60

/**
 * How far each vertex of 3DMeshReg's mesh goes to its landmark: 1 on lips, lids and jaw, 0 on what keeps still, each of the others the
 * mean of its neighbours.
 * @param triangles of the mesh, Tx3
 * @returns 468; the same array for the same triangles, not to be changed
 */
export function leadShares(triangles: Uint32Array): Float64Array {
  const shares = SHARES.get(triangles) ?? harmonicShares(triangles)
  SHARES.set(triangles, shares)
  return shares
}

const SHARES = new WeakMap<Uint32Array, Float64Array>()

function harmonicShares(triangles: Uint32Array): Float64Array {
  const neighbours = meshNeighbours(triangles, MESH_VERTICES)
  const shares = new Float64Array(MESH_VERTICES)
  const fixed = new Set(STILL)
  for (const v of [...LIPS, ...LIDS, ...JAW]) {
    shares[v] = 1
    fixed.add(v)
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const [v, around] of neighbours.entries()) {
      if (fixed.has(v) || around.length === 0) continue
      shares[v] = around.reduce((sum, n) => sum + (shares[n] as number), 0) / around.length
    }
  }
  return shares
}
