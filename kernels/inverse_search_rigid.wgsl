// Depth change by the head's motion. Fits the displacement of the face as an affine function of (x, y, z) (reweighted
// least squares: weight one over the residual above a pixel). Under a scaled orthographic camera the first two rows of
// that motion, identity included, are those of a scaled rotation, so their cross product is the third and says how dz
// must vary over the face. Leaves, per batch entry, the plane over (x, y, z) that takes the flow's own variation of
// dz `share` of the way there; its mean over the face stays.
// One workgroup: one batch entry. Every second patch each way is a point.
#include "include/layout.wgsl"
#include "include/inverse_search.wgsl"

struct Uniforms {
  flow: View,
  fragments: View,
  grid: vec2<u32>,
  share: f32,
  leastPoints: f32,
}

const INVOCATIONS = 64u;
const ROUNDS = 3u;
// Coordinates and displacements are in this many px, so that the sums are of like size.
const UNIT = 100.0;
// Residual up to which points count fully, in UNIT.
const RESIDUAL = 0.01;
// Added per point to the diagonal: keeps faces of one depth solvable.
const RIDGE = 1e-5;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(3) var<storage, read> displacements: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> planes: array<vec4<f32>>;

// Per invocation: four rows of the matrix, four of the right-hand sides.
var<workgroup> partial: array<vec4<f32>, ${64 * 8}>;
var<workgroup> total: array<vec4<f32>, 8>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let n = group.z;
  let grid = u.grid;
  let columns = (grid.x + 1u) / 2u;
  let points = columns * ((grid.y + 1u) / 2u);
  let middle = 0.5 * vec2<f32>(f32(u.flow.width), f32(u.flow.height));
#for row in 0..4
  var matrix${row} = vec4<f32>();
  // Displacements per unit of 1, x, y, z.
  var motion${row} = vec4<f32>();
#endfor
  for (var round = 0u; round < ROUNDS; round++) {
#for row in 0..4
    var a${row} = vec4<f32>();
    var b${row} = vec4<f32>();
#endfor
    for (var point = local; point < points; point += INVOCATIONS) {
      let place = 2u * vec2<u32>(point % columns, point / columns);
      let displacement = displacements[(n * grid.y + place.y) * grid.x + place.x];
      let pixel = place * STRIDE + PATCH / 2u;
      let fragment = vec4<f32>(fragments[elementIndex(u.fragments, n, 0u, pixel.y, pixel.x)]);
      let own = vec4<f32>(flow[elementIndex(u.flow, n, 0u, pixel.y, pixel.x)]);
      let at = vec4<f32>(1.0, vec3<f32>(vec2<f32>(pixel) - middle, fragment.x) / UNIT);
      let moved = vec4<f32>(vec3<f32>(own.xy + displacement.xy, own.z) / UNIT, 0.0);
      let misfit = moved - at.x * motion0 - at.y * motion1 - at.z * motion2 - at.w * motion3;
      let robust = select(RESIDUAL / max(length(misfit.xy), RESIDUAL), 1.0, round == 0u);
      let w = select(0.0, robust, displacement.z > 0.0 && fragment.w >= 0.0);
#for row in 0..4
      a${row} += w * at[${row}] * at;
      b${row} += w * at[${row}] * moved;
#endfor
    }
#for row in 0..4
    partial[${row}u * INVOCATIONS + local] = a${row};
    partial[${row + 4}u * INVOCATIONS + local] = b${row};
#endfor
    workgroupBarrier();
    if (local < 8u) {
      var sum = vec4<f32>();
      for (var i = 0u; i < INVOCATIONS; i++) { sum += partial[local * INVOCATIONS + i]; }
      total[local] = sum;
    }
    workgroupBarrier();
#for row in 0..4
    matrix${row} = total[${row}];
    motion${row} = total[${row + 4}];
#endfor
    workgroupBarrier();
    let count = max(matrix0.x, 1e-3);
#for row in 0..4
    var m${row} = matrix${row};
    m${row}[${row}] += RIDGE * count;
#endfor
    // Gauss-Jordan; the matrix is symmetric and positive definite, so it needs no pivots.
#for pivot in 0..4
    {
      let scale = 1.0 / m${pivot}[${pivot}];
      m${pivot} *= scale;
      motion${pivot} *= scale;
#for row in 0..4
#if row != pivot
      let factor${row} = m${row}[${pivot}];
      m${row} -= factor${row} * m${pivot};
      motion${row} -= factor${row} * motion${pivot};
#endif
#endfor
    }
#endfor
  }

  let first = vec3<f32>(1.0, 0.0, 0.0) + vec3<f32>(motion1.x, motion2.x, motion3.x);
  let second = vec3<f32>(0.0, 1.0, 0.0) + vec3<f32>(motion1.y, motion2.y, motion3.y);
  let scale = max(0.5 * (length(first) + length(second)), 1e-3);
  let third = cross(first, second) / scale - vec3<f32>(0.0, 0.0, 1.0);
  // Weights of the last round add up to the points that follow the motion.
  let share = select(0.0, u.share, matrix0.x >= u.leastPoints);
  let slope = share * (third - vec3<f32>(motion1.z, motion2.z, motion3.z));
  let mean = matrix0.yzw / max(matrix0.x, 1e-3) * UNIT + vec3<f32>(middle, 0.0);
  if (local == 0u) { planes[n] = vec4<f32>(slope, -dot(slope, mean)); }
}
