// Dense N x H x W x C floats -> NC4HW4 tensor. One invocation: one pixel of one plane of one batch entry.
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let pixels = planeSize(u.destination);
  let pixel = linearIndex(group, groups, local);
  if (pixel >= pixels) { return; }
  let plane = group.z % u.destination.planes;
  let n = group.z / u.destination.planes;
  let channels = u.destination.channels;
  let first = plane * 4u;
  let base = (n * pixels + pixel) * channels;
  var value = vec4<f32>(0.0);
#for lane in 0..4
  if (first + ${lane}u < channels) { value[${lane}] = source[base + first + ${lane}u]; }
#endfor
  destination[u.destination.offset + n * u.destination.batchStride + plane * pixels + pixel] = Stored4(value);
}
