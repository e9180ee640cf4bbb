// Mesh with some vertices moved to, and some appended at, 2D points. One invocation: one vec4 of the output; meshes
// are n x 1 x 1 x 3V (x, y, z of vertex 0, then of vertex 1, ...).
#include "include/layout.wgsl"

const KEEP = 0xffffffffu;

struct Uniforms {
  mesh: View,
  points: View,
  destination: View,
  // Vertices of the input; those behind them are appended.
  vertices: u32,
  // Vertices whose mean z the appended ones get.
  depthCount: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> mesh: array<Stored4>;
// n x 1 x 1 x 2P
@group(0) @binding(2) var<storage, read> points: array<Stored4>;
// Per output vertex the point that replaces it, or KEEP; then the `depthCount` vertices.
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> destination: array<Stored4>;

fn meshValue(n: u32, channel: u32) -> f32 {
  return f32(mesh[elementIndex(u.mesh, n, channel >> 2u, 0u, 0u)][channel & 3u]);
}

fn pointValue(n: u32, channel: u32) -> f32 {
  return f32(points[elementIndex(u.points, n, channel >> 2u, 0u, 0u)][channel & 3u]);
}

fn meanDepth(n: u32, first: u32) -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < u.depthCount; i++) { sum += meshValue(n, places[first + i] * 3u + 2u); }
  return sum / f32(max(u.depthCount, 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let plane = id.x;
  let n = id.z;
  if (plane >= u.destination.planes) { return; }
  let total = u.destination.channels / 3u;
  var value = vec4<f32>(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    let channel = plane * 4u + lane;
    let vertex = channel / 3u;
    let axis = channel % 3u;
    if (vertex >= total) { continue; }
    let point = places[vertex];
    if (axis == 2u && vertex >= u.vertices) {
      value[lane] = meanDepth(n, total);
    } else if (axis == 2u || point == KEEP) {
      value[lane] = meshValue(n, channel);
    } else {
      value[lane] = pointValue(n, point * 2u + axis);
    }
  }
  destination[elementIndex(u.destination, n, plane, 0u, 0u)] = Stored4(value);
}
