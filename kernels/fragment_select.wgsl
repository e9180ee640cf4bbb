// One map where a triangle owns the pixel, another where none does. One invocation per pixel, all planes.
#include "include/layout.wgsl"

struct Uniforms {
  fragments: View,
  insideView: View,
  outsideView: View,
  outputView: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(2) var<storage, read> inside: array<Stored4>;
@group(0) @binding(3) var<storage, read> outside: array<Stored4>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x >= v.width || id.y >= v.height) { return; }
  let covered = vec4<f32>(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)]).w >= 0.0;
  for (var plane = 0u; plane < v.planes; plane++) {
    let own = inside[elementIndex(u.insideView, id.z, plane, id.y, id.x)];
    let other = outside[elementIndex(u.outsideView, id.z, plane, id.y, id.x)];
    output[elementIndex(v, id.z, plane, id.y, id.x)] = select(other, own, covered);
  }
}
