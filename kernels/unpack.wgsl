// NC4HW4 tensor -> dense N x H x W x C floats. One invocation: one pixel of one plane of one batch entry.
// A concatenation is unpacked part by part, so that the padding between its parts is left behind.
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  source: View,
  firstPlane: u32,
  partPlanes: u32,
  // Channels of the part, and where it starts among the logical channels.
  partChannels: u32,
  firstChannel: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> destination: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let pixels = planeSize(u.source);
  let pixel = linearIndex(group, groups, local);
  if (pixel >= pixels) { return; }
  let plane = group.z % u.partPlanes;
  let n = group.z / u.partPlanes;
  let value = vec4<f32>(
    source[u.source.offset + n * u.source.batchStride + (u.firstPlane + plane) * pixels + pixel],
  );
  let base = (n * pixels + pixel) * u.source.channels + u.firstChannel;
  let first = plane * 4u;
#for lane in 0..4
  if (first + ${lane}u < u.partChannels) { destination[base + first + ${lane}u] = value[${lane}]; }
#endfor
}
