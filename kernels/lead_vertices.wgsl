// Vertices led to goals in the plane, each by its share of the way, and none further than `most`. One invocation per vertex and
// batch entry.
#include "include/layout.wgsl"

struct Uniforms {
  vertices: View,
  outputView: View,
  first: u32,
  most: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> vertices: array<Stored4>;
// [list][vertex]: x, y, share
@group(0) @binding(2) var<storage, read> goals: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x >= v.width) { return; }
  let vertex = vec4<f32>(vertices[elementIndex(u.vertices, id.z, 0u, 0u, id.x)]);
  let goal = goals[(u.first + id.z) * v.width + id.x];
  // A goal that nobody goes to may be any number.
  let way = select(goal.z * (goal.xy - vertex.xy), vec2<f32>(), goal.z == 0.0);
  let step = way * min(1.0, u.most / max(length(way), 1e-6));
  output[elementIndex(v, id.z, 0u, 0u, id.x)] = Stored4(vec4<f32>(vertex.xy + step, vertex.z, 0.0));
}
