// Points in region coordinates to coordinates of the picture (docs/front-end.md, region to crop): the region's affine map
// with its translation scaled. One invocation: two points (x y x y).
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  points: View,
  matrix: View,
  destination: View,
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> points: array<Stored4>;
@group(0) @binding(2) var<storage, read> matrix: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let plane = linearIndex(group, groups, local);
  if (plane >= u.points.planes) { return; }
  let n = group.z;
  let matrixPlace = u.matrix.offset + n * u.matrix.batchStride;
  let m = vec4<f32>(matrix[matrixPlace]);
  let rest = vec4<f32>(matrix[matrixPlace + 1u]);
  let p = vec4<f32>(points[u.points.offset + n * u.points.batchStride + plane]);
  let xs = m.x * p.xz + m.y * p.yw + m.z * u.scale;
  let ys = m.w * p.xz + rest.x * p.yw + rest.y * u.scale;
  destination[u.destination.offset + n * u.destination.batchStride + plane] =
    Stored4(vec4<f32>(xs.x, ys.x, xs.y, ys.y));
}
