// Bilinear upsampling by exactly 2, pixel centres at + 0.5. The four output pixels around a corner of the source grid
// mix the same four source pixels, so one invocation makes all four: four loads for four results.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  source: View,
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Loaded4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let width = u.source.width;
  let height = u.source.height;
  // Corner (x, y) lies between source pixels x - 1 and x, y - 1 and y.
  if (id.x > width || id.y > height) { return; }
  let plane = id.z % u.source.planes;
  let n = id.z / u.source.planes;
  let left = max(id.x, 1u) - 1u;
  let right = min(id.x, width - 1u);
  let upper = elementIndex(u.source, n, plane, max(id.y, 1u) - 1u, 0u);
  let lower = elementIndex(u.source, n, plane, min(id.y, height - 1u), 0u);
  let a = vec4<f32>(source[upper + left]);
  let b = vec4<f32>(source[upper + right]);
  let c = vec4<f32>(source[lower + left]);
  let d = vec4<f32>(source[lower + right]);
  let upperLeft = a * 0.75 + b * 0.25;
  let upperRight = a * 0.25 + b * 0.75;
  let lowerLeft = c * 0.75 + d * 0.25;
  let lowerRight = c * 0.25 + d * 0.75;

  let hasLeft = id.x > 0u;
  let hasRight = id.x < width;
  if (id.y > 0u) {
    let row = elementIndex(u.destination, n, plane, 2u * id.y - 1u, 0u) + 2u * id.x;
    if (hasLeft) { destination[row - 1u] = Stored4(upperLeft * 0.75 + lowerLeft * 0.25); }
    if (hasRight) { destination[row] = Stored4(upperRight * 0.75 + lowerRight * 0.25); }
  }
  if (id.y < height) {
    let row = elementIndex(u.destination, n, plane, 2u * id.y, 0u) + 2u * id.x;
    if (hasLeft) { destination[row - 1u] = Stored4(upperLeft * 0.25 + lowerLeft * 0.75); }
    if (hasRight) { destination[row] = Stored4(upperRight * 0.25 + lowerRight * 0.75); }
  }
}
