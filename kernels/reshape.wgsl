// The same values in N x H x W x C order, other sizes. One invocation: one vec4 of the output.
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  source: View,
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
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
  let sourcePixels = planeSize(u.source);
  let first = (n * pixels + pixel) * u.destination.channels + plane * 4u;
  var value = vec4<f32>(0.0);
#for lane in 0..4
  if (plane * 4u + ${lane}u < u.destination.channels) {
    let channel = (first + ${lane}u) % u.source.channels;
    let from${lane} = (first + ${lane}u) / u.source.channels;
    let base = u.source.offset + from${lane} / sourcePixels * u.source.batchStride + from${lane} % sourcePixels;
    value[${lane}] = f32(source[base + channel / 4u * sourcePixels][channel % 4u]);
  }
#endfor
  destination[u.destination.offset + n * u.destination.batchStride + plane * pixels + pixel] = Stored4(value);
}
