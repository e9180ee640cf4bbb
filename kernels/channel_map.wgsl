// Moves channels: slices, zero padding and the removal of padding between the parts of a concatenation.
// One invocation: one vec4 of the output.
// ALIGNED: the channels of an output plane lie in one plane of the source, in the same lanes; otherwise a table
// names the place (plane * 4 + lane) of each.
#param ALIGNED
#include "include/layout.wgsl"
#include "include/grid.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  // ALIGNED: the first source plane, and how many channels the source gives; zeros behind them.
  firstPlane: u32,
  available: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;
#if !ALIGNED
// One entry a plane; 0xffffffff: no channel.
@group(0) @binding(3) var<storage, read> places: array<vec4<u32>>;
#endif

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
  let base = u.source.offset + n * u.source.batchStride + pixel;
  var value = vec4<f32>(0.0);
#if ALIGNED
  if (plane * 4u < u.available) {
    let loaded = vec4<f32>(source[base + (u.firstPlane + plane) * pixels]);
    let channel = vec4<u32>(plane * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
    value = select(vec4<f32>(0.0), loaded, channel < vec4<u32>(u.available));
  }
#else
  let place = places[plane];
#for lane in 0..4
  if (place[${lane}] != 0xffffffffu) {
    value[${lane}] = f32(source[base + (place[${lane}] / 4u) * pixels][place[${lane}] % 4u]);
  }
#endfor
#endif
  destination[u.destination.offset + n * u.destination.batchStride + plane * pixels + pixel] = Stored4(value);
}
