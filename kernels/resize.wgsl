// Resizes maps to any size. One invocation: one vec4 of the output.
// MODE: 0 nearest (the source pixel whose area holds the output pixel's top left corner), 1 bilinear with pixel centres
// at + 0.5, 2 bilinear with the corner pixels' centres aligned.
#param MODE
#include "include/layout.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  // Source pixels per output pixel, [y, x].
  step: vec2<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Loaded4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

fn sourcePosition(pixel: u32, step: f32) -> f32 {
#if MODE == 2
  return f32(pixel) * step;
#else
  return max((f32(pixel) + 0.5) * step - 0.5, 0.0);
#endif
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let width = u.destination.width;
  let height = u.destination.height;
  if (id.x >= width || id.y >= height) { return; }
  let plane = id.z % u.destination.planes;
  let n = id.z / u.destination.planes;
  let base = elementIndex(u.source, n, plane, 0u, 0u);
#if MODE == 0
  let x = id.x * u.source.width / width;
  let y = id.y * u.source.height / height;
  let value = vec4<f32>(source[base + y * u.source.width + x]);
#else
  let x = sourcePosition(id.x, u.step.y);
  let y = sourcePosition(id.y, u.step.x);
  let left = min(u32(x), u.source.width - 1u);
  let top = min(u32(y), u.source.height - 1u);
  let right = min(left + 1u, u.source.width - 1u);
  let upper = base + top * u.source.width;
  let lower = base + min(top + 1u, u.source.height - 1u) * u.source.width;
  let across = x - f32(left);
  let above = mix(vec4<f32>(source[upper + left]), vec4<f32>(source[upper + right]), across);
  let below = mix(vec4<f32>(source[lower + left]), vec4<f32>(source[lower + right]), across);
  let value = mix(above, below, y - f32(top));
#endif
  destination[elementIndex(u.destination, n, plane, id.y, id.x)] = Stored4(value);
}
