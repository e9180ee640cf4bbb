// The displacements that the sweeps have found, on the face; dz, and elsewhere all of the flow, as before.
// One invocation: one pixel.
#include "include/layout.wgsl"

struct Uniforms {
  flow: View,
  fragments: View,
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(3) var<storage, read> values: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let size = vec2<u32>(u.flow.width, u.flow.height);
  if (id.x >= size.x || id.y >= size.y) { return; }
  let before = vec4<f32>(flow[elementIndex(u.flow, id.z, 0u, id.y, id.x)]);
  let covered = f32(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)].w) >= 0.0;
  let found = values[(id.z * size.y + id.y) * size.x + id.x];
  let after = select(before.xy, found, covered);
  destination[elementIndex(u.destination, id.z, 0u, id.y, id.x)] = Stored4(vec4<f32>(after, before.zw));
}
