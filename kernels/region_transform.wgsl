// From 2D positions of mesh vertices to the affine map of an upright region around some of them onto a feature map
// (docs/front-end.md, region transform). One invocation: one batch entry.
// Output channels: a b tx d e ty, map x = a px + b py + tx, map y = d px + e py + ty for region coordinates p.
#include "include/layout.wgsl"

struct Uniforms {
  landmarks: View,
  destination: View,
  // Vertices of the line that is horizontal in the region: left end, right end.
  line: vec2<u32>,
  vertexCount: u32,
  // Map pixels per unit of the landmarks.
  scale: f32,
  // Side of the region in its own coordinates, and its size in bounding boxes.
  side: f32,
  margin: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> landmarks: array<Stored4>;
@group(0) @binding(2) var<storage, read> vertices: array<u32>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;

// Map position of a vertex: channels 3 i and 3 i + 1.
fn vertexAt(n: u32, vertex: u32) -> vec2<f32> {
  let base = u.landmarks.offset + n * u.landmarks.batchStride;
  let x = vertex * 3u;
  let y = x + 1u;
  return vec2<f32>(f32(landmarks[base + x / 4u][x % 4u]), f32(landmarks[base + y / 4u][y % 4u])) * u.scale;
}

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
  let n = group.x;
  let origin = vertexAt(n, u.line.x);
  let line = vertexAt(n, u.line.y) - origin;
  let length = sqrt(dot(line, line));
  var direction = vec2<f32>(1.0, 0.0);
  if (length > 0.0) { direction = line / length; }
  let across = vec2<f32>(-direction.y, direction.x);

  // Bounding box along the line and across it, relative to the line's left end.
  var low = vec2<f32>(3.4e38);
  var high = vec2<f32>(-3.4e38);
  for (var i = 0u; i < u.vertexCount; i++) {
    let offset = vertexAt(n, vertices[i]) - origin;
    let place = vec2<f32>(dot(offset, direction), dot(offset, across));
    low = min(low, place);
    high = max(high, place);
  }
  let middle = (low + high) * 0.5;
  let centre = origin + direction * middle.x + across * middle.y;
  let step = (high - low) * (u.margin / u.side);
  let first = direction * step.x;
  let second = across * step.y;
  let shift = centre - (first + second) * (u.side * 0.5);
  let place = u.destination.offset + n * u.destination.batchStride;
  destination[place] = Stored4(vec4<f32>(first.x, second.x, shift.x, first.y));
  destination[place + 1u] = Stored4(vec4<f32>(second.y, shift.y, 0.0, 0.0));
}
