// What the variational refinement reads of a pixel: grey level of the source, grey level of the target where the flow
// leads, and the flow (dx = OFF_FACE where no triangle is).
// One invocation: one pixel.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/bilinear.wgsl"
#include "include/off_face.wgsl"

struct Uniforms {
  flow: View,
  source: View,
  goal: View,
  fragments: View,
  // Grey levels per unit of the three channels.
  grey: vec4<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> source: array<Loaded4>;
@group(0) @binding(3) var<storage, read> goal: array<Loaded4>;
@group(0) @binding(4) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> samples: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let size = vec2<u32>(u.flow.width, u.flow.height);
  if (id.x >= size.x || id.y >= size.y) { return; }
  let displacement = vec4<f32>(flow[elementIndex(u.flow, id.z, 0u, id.y, id.x)]).xy;
  let covered = f32(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)].w) >= 0.0;
  let a = dot(vec4<f32>(source[elementIndex(u.source, id.z, 0u, id.y, id.x)]).xyz, u.grey.xyz);
  let sample = bilinearClamped(vec2<f32>(id.xy) + displacement, size.x, size.y);
  let base = elementIndex(u.goal, id.z, 0u, 0u, 0u);
  var colour = vec3<f32>();
#for corner in 0..4
  colour += vec4<f32>(goal[base + sample.places[${corner}]]).xyz * sample.weights[${corner}];
#endfor
  let shown = vec2<f32>(select(OFF_FACE, displacement.x, covered), displacement.y);
  samples[(id.z * size.y + id.y) * size.x + id.x] = vec4<f32>(a, dot(colour, u.grey.xyz), shown);
}
