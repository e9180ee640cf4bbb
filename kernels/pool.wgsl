// Max and average pooling. One invocation: one vec4 of the output. Positions in the padding do not count.
// AVERAGE: the mean of the window's pixels inside the map; otherwise their maximum.
#param AVERAGE
#include "include/layout.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  // All [y, x].
  kernel: vec2<i32>,
  stride: vec2<i32>,
  padding: vec2<i32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let plane = id.z % u.destination.planes;
  let n = id.z / u.destination.planes;
  let first = vec2<i32>(i32(id.y), i32(id.x)) * u.stride - u.padding;
  let start = vec2<u32>(max(first, vec2<i32>(0)));
  let end = vec2<u32>(min(first + u.kernel, vec2<i32>(i32(u.source.height), i32(u.source.width))));
#if AVERAGE
  var value = vec4<f32>(0.0);
#else
  var value = vec4<f32>(-3.4e38);
#endif
  for (var y = start.x; y < end.x; y++) {
    let row = elementIndex(u.source, n, plane, y, 0u);
    for (var x = start.y; x < end.y; x++) {
#if AVERAGE
      value += vec4<f32>(source[row + x]);
#else
      value = max(value, vec4<f32>(source[row + x]));
#endif
    }
  }
#if AVERAGE
  value /= f32((end.x - start.x) * (end.y - start.y));
#endif
  destination[elementIndex(u.destination, n, plane, id.y, id.x)] = Stored4(value);
}
