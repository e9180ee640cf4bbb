// 1 / RMS over channels of every pixel of two maps, with 1e-4 added to the mean square: [first, second][batch entry][y][x].
// One invocation: one pixel of one map.
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  first: View,
  second: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> first: array<Stored4>;
@group(0) @binding(2) var<storage, read> second: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> norms: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let pixels = planeSize(u.first);
  let pixel = linearIndex(group, groups, local);
  if (pixel >= pixels) { return; }
  let ofSecond = group.z >= u.first.batches;
  let n = group.z % u.first.batches;
  var sum = vec4<f32>(0.0);
  for (var plane = 0u; plane < u.first.planes; plane++) {
    var value: vec4<f32>;
    if (ofSecond) {
      value = vec4<f32>(second[u.second.offset + n * u.second.batchStride + plane * pixels + pixel]);
    } else {
      value = vec4<f32>(first[u.first.offset + n * u.first.batchStride + plane * pixels + pixel]);
    }
    let channel = vec4<u32>(plane * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    value = select(vec4<f32>(0.0), value, channel < vec4<u32>(u.first.channels));
    sum += value * value;
  }
  let meanSquare = (sum.x + sum.y + sum.z + sum.w) / f32(u.first.channels);
  norms[group.z * pixels + pixel] = inverseSqrt(meanSquare + 1e-4);
}
