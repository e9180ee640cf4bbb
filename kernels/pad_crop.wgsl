// Padding and cropping of maps: out[y, x] = in[y - shift.y, x - shift.x]. One invocation: one vec4 of the output.
// EDGE: positions outside the source repeat its edge; otherwise they are zero.
#param EDGE
#include "include/layout.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  // [y, x] of the source's first pixel in the output; negative where rows or columns are cropped.
  shift: vec2<i32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let plane = id.z % u.destination.planes;
  let n = id.z / u.destination.planes;
  let place = vec2<i32>(i32(id.y), i32(id.x)) - u.shift;
  let size = vec2<i32>(i32(u.source.height), i32(u.source.width));
  let nearest = vec2<u32>(clamp(place, vec2<i32>(0), size - 1));
  var value = vec4<f32>(source[elementIndex(u.source, n, plane, nearest.x, nearest.y)]);
#if !EDGE
  value = select(vec4<f32>(0.0), value, all(place == vec2<i32>(nearest)));
#endif
  destination[elementIndex(u.destination, n, plane, id.y, id.x)] = Stored4(value);
}
