// A list of vertices, and after them further ones that are weighted sums of its own. One invocation per vertex of the output,
// plane and batch entry.
#include "include/layout.wgsl"

struct Uniforms {
  vertices: View,
  outputView: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> vertices: array<Stored4>;
// [further vertex][vertex]
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x >= v.width) { return; }
  let count = u.vertices.width;
  let first = elementIndex(u.vertices, id.z, id.y, 0u, 0u);
  let isFurther = id.x >= count;
  let value = vec4<f32>(vertices[first + min(id.x, count - 1u)]);
  // A loop rather than a branch: software adapters skip a loop that no lane enters, but not a branch.
  let row = (max(id.x, count) - count) * count;
  var sum = vec4<f32>();
  for (var i = 0u; i < select(0u, count, isFurther); i++) {
    sum += weights[row + i] * vec4<f32>(vertices[first + i]);
  }
  output[elementIndex(v, id.z, id.y, 0u, id.x)] = Stored4(select(value, sum, isFurther));
}
