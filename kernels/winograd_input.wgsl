// Winograd, step 1 of 3: every 6x6 tile d of every input plane becomes B^T d B, stored by position as
// [position][plane][tile], so that step 2 is 36 independent matrix products.
// The interpolation points 0, 1, -1, 2, -2 and infinity serve F(4x4, 3x3) (Lavin and Gray, 2016) and F(3x3, 4x4) alike:
// the two differ in the transforms of weights and outputs, here only in the step from tile to tile.
// A window of stride s is taken apart into s x s phases, each of which reads every s-th pixel at stride 1: the phases
// count as further input planes.
#param WG
#include "include/layout.wgsl"
#include "include/parts.wgsl"

struct Uniforms {
  x: View,
  tilesX: u32,
  tilesY: u32,
  // Large layers go through the three steps in portions: tiles firstTile .. firstTile + tiles - 1.
  firstTile: u32,
  tiles: u32,
  stride: i32,
  // Outputs of a tile per axis, 4 or 3.
  tile: i32,
  // Input position of the first tap of tile (0, 0) in phase (0, 0).
  originX: i32,
  originY: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<StoredLanes>;
@group(0) @binding(2) var<storage, read_write> transformed: array<Lanes>;

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Invocations past the end repeat the last tile.
  let slot = min(id.x, u.tiles - 1u);
  let tile = u.firstTile + slot;
  let n = tile / (u.tilesX * u.tilesY);
  let tileY = i32((tile / u.tilesX) % u.tilesY);
  let tileX = i32(tile % u.tilesX);
  let phase = i32(id.y / u.x.planes);
  let start = u.x.offset + n * u.x.batchStride + (id.y % u.x.planes) * planeSize(u.x);
  let top = u.originY + phase / u.stride + tileY * u.tile * u.stride;
  let left = u.originX + phase % u.stride + tileX * u.tile * u.stride;
  let width = i32(u.x.width);
  let height = i32(u.x.height);

  // Pixels outside count nothing.
#for r in 0..6
  let inY${r} = top + ${r} * u.stride;
  let maskY${r} = select(0.0, 1.0, (inY${r} >= 0) & (inY${r} < height));
  let row${r} = start + u32(clamp(inY${r}, 0, height - 1) * width);
#endfor

  // B^T d, column by column.
#for c in 0..6
  let inX${c} = left + ${c} * u.stride;
  let maskX${c} = select(0.0, 1.0, (inX${c} >= 0) & (inX${c} < width));
  let column${c} = u32(clamp(inX${c}, 0, width - 1));
#for r in 0..6
  let d${r}_${c} = Lanes(x[(row${r} + column${c}) * ${PARTS}u + id.z]) * (maskY${r} * maskX${c});
#endfor
  let e${c} = d4_${c} - 4.0 * d2_${c};
  let f${c} = d3_${c} - 4.0 * d1_${c};
  let g${c} = d4_${c} - d2_${c};
  let h${c} = 2.0 * (d3_${c} - d1_${c});
  let t0_${c} = 4.0 * d0_${c} - 5.0 * d2_${c} + d4_${c};
  let t1_${c} = e${c} + f${c};
  let t2_${c} = e${c} - f${c};
  let t3_${c} = g${c} + h${c};
  let t4_${c} = g${c} - h${c};
  let t5_${c} = 4.0 * d1_${c} - 5.0 * d3_${c} + d5_${c};
#endfor

  // (B^T d) B, row by row.
  let planes = u.x.planes * u32(u.stride * u.stride);
  let positionStep = planes * u.tiles * ${PARTS}u;
  let first = (id.y * u.tiles + slot) * ${PARTS}u + id.z;
#for r in 0..6
  {
    let e = t${r}_4 - 4.0 * t${r}_2;
    let f = t${r}_3 - 4.0 * t${r}_1;
    let g = t${r}_4 - t${r}_2;
    let h = 2.0 * (t${r}_3 - t${r}_1);
    transformed[first + ${r * 6}u * positionStep] = 4.0 * t${r}_0 - 5.0 * t${r}_2 + t${r}_4;
    transformed[first + ${r * 6 + 1}u * positionStep] = e + f;
    transformed[first + ${r * 6 + 2}u * positionStep] = e - f;
    transformed[first + ${r * 6 + 3}u * positionStep] = g + h;
    transformed[first + ${r * 6 + 4}u * positionStep] = g - h;
    transformed[first + ${r * 6 + 5}u * positionStep] = 4.0 * t${r}_1 - 5.0 * t${r}_3 + t${r}_5;
  }
#endfor
}
