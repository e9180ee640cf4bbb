// Winograd, step 3 of 3: the 36 products m of a tile become its 4x4 or 3x3 outputs A^T m A; bias and epilogue. The
// product at infinity counts for the last output only: the fourth or the third.
// A transposed convolution of stride s computes its s x s output parities ("phases") as further output planes.
#param WG
#include "include/layout.wgsl"
#include "include/epilogue.wgsl"
#include "include/parts.wgsl"

struct Uniforms {
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  tilesX: u32,
  tilesY: u32,
  // The portion of the layer, as in winograd_input.wgsl.
  firstTile: u32,
  tiles: u32,
  // Output planes of all phases.
  planes: u32,
  outStride: u32,
  // Outputs of a tile per axis, 4 or 3.
  tile: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
// [position][phase and plane][tile]
@group(0) @binding(1) var<storage, read> products: array<Lanes>;
@group(0) @binding(2) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<StoredLanes>;
#if RESIDUAL > 0
@group(0) @binding(4) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Invocations past the end repeat the last tile and write the same values.
  let slot = min(id.x, u.tiles - 1u);
  let tile = u.firstTile + slot;
  let n = tile / (u.tilesX * u.tilesY);
  let tileY = (tile / u.tilesX) % u.tilesY;
  let tileX = tile % u.tilesX;
  let phase = id.y / u.y.planes;
  let plane = id.y % u.y.planes;
  let first = (id.y * u.tiles + slot) * ${PARTS}u + id.z;
  let positionStep = u.planes * u.tiles * ${PARTS}u;

  let third = select(0.0, 1.0, u.tile == 3u);

  // A^T m, column by column.
#for c in 0..6
#for r in 0..6
  let m${r}_${c} = products[first + ${r * 6 + c}u * positionStep];
#endfor
  let a${c} = m1_${c} + m2_${c};
  let b${c} = m1_${c} - m2_${c};
  let e${c} = m3_${c} + m4_${c};
  let f${c} = m3_${c} - m4_${c};
  let t0_${c} = m0_${c} + a${c} + e${c};
  let t1_${c} = b${c} + 2.0 * f${c};
  let t2_${c} = a${c} + 4.0 * e${c} + third * m5_${c};
  let t3_${c} = b${c} + 8.0 * f${c} + m5_${c};
#endfor

  // (A^T m) A, row by row.
  let bias = lanesOf(vectors[plane], id.z);
  let slope = filled(lanesOf(vectors[u.y.planes + plane], id.z));
  let top = tileY * u.tile * u.outStride + phase / u.outStride;
  let left = tileX * u.tile * u.outStride + phase % u.outStride;
#for r in 0..4
  let a${r}r = t${r}_1 + t${r}_2;
  let b${r}r = t${r}_1 - t${r}_2;
  let e${r}r = t${r}_3 + t${r}_4;
  let f${r}r = t${r}_3 - t${r}_4;
  let y${r}_0 = bias + t${r}_0 + a${r}r + e${r}r;
  let y${r}_1 = bias + b${r}r + 2.0 * f${r}r;
  let y${r}_2 = bias + a${r}r + 4.0 * e${r}r + third * t${r}_5;
  let y${r}_3 = bias + b${r}r + 8.0 * f${r}r + t${r}_5;
#for c in 0..4
  {
    let outY = top + ${r}u * u.outStride;
    let outX = left + ${c}u * u.outStride;
    if ((${c}u < u.tile) & (${r}u < u.tile) & (outX < u.y.width) & (outY < u.y.height)) {
      let other = filled(lanesOf(residualAt(n, plane, outY, outX), id.z));
      let value = applyEpilogue(filled(y${r}_${c}), slope, other);
      y[elementIndex(u.y, n, plane, outY, outX) * ${PARTS}u + id.z] = StoredLanes(cut(value));
    }
  }
#endfor
#endfor
}
