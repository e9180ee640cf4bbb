// Mesh -> placement of one of its regions: the affine map from the unit square to a rectangle around the region's
// vertices, upright along the region's axis. One invocation per batch entry; there are under a hundred vertices.
// Output: two planes of one pixel, (m00, m01, tx, 0) and (m10, m11, ty, 0).
#include "include/layout.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  // Vertices at the left and right end of the axis.
  axis: vec2<u32>,
  count: u32,
  margin: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
// n x 1 x 1 x 3V: x, y, z of vertex 0, then of vertex 1, ...
@group(0) @binding(1) var<storage, read> mesh: array<Stored4>;
@group(0) @binding(2) var<storage, read> vertices: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;

fn coordinate(n: u32, channel: u32) -> f32 {
  return f32(mesh[elementIndex(u.source, n, channel >> 2u, 0u, 0u)][channel & 3u]);
}

fn position(n: u32, vertex: u32) -> vec2<f32> {
  return vec2<f32>(coordinate(n, vertex * 3u), coordinate(n, vertex * 3u + 1u));
}

@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let n = id.x;
  let line = position(n, u.axis.y) - position(n, u.axis.x);
  let size = length(line);
  var along = vec2<f32>(1.0, 0.0);
  if (size > 0.0) { along = line / size; }
  let across = vec2<f32>(-along.y, along.x);
  let first = position(n, vertices[0]);
  var low = vec2<f32>(dot(along, first), dot(across, first));
  var high = low;
  for (var i = 1u; i < u.count; i++) {
    let p = position(n, vertices[i]);
    let upright = vec2<f32>(dot(along, p), dot(across, p));
    low = min(low, upright);
    high = max(high, upright);
  }
  let extent = (high - low) * u.margin;
  let corner = (low + high - extent) * 0.5;
  let origin = along * corner.x + across * corner.y;
  destination[elementIndex(u.destination, n, 0u, 0u, 0u)] =
    Stored4(vec4<f32>(along.x * extent.x, across.x * extent.y, origin.x, 0.0));
  destination[elementIndex(u.destination, n, 1u, 0u, 0u)] =
    Stored4(vec4<f32>(along.y * extent.x, across.y * extent.y, origin.y, 0.0));
}
