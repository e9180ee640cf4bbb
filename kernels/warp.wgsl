// Backward warp: out[y, x] = in sampled bilinearly at (x, y) + scale * flow[y, x] (dx, dy in pixels: channels 0 and 1).
// One invocation: one pixel, all planes, so that position and weights are worked out once.
// CLAMP: positions outside take the nearest pixel; otherwise neighbours outside the map count as zero.
// VALIDITY: writes one channel, the share of the sample that lies inside the map, instead of the sample.
#param CLAMP
#param VALIDITY
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/bilinear.wgsl"

struct Uniforms {
  source: View,
  flow: View,
  destination: View,
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Loaded4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;
#if !VALIDITY
@group(0) @binding(3) var<storage, read> source: array<Stored4>;
#endif

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let shift = vec4<f32>(flow[elementIndex(u.flow, n, 0u, id.y, id.x)]).xy * u.scale;
  let position = vec2<f32>(f32(id.x), f32(id.y)) + shift;
#if CLAMP
  let sample = bilinearClamped(position, u.source.width, u.source.height);
#else
  let sample = bilinearZero(position, u.source.width, u.source.height);
#endif
#if VALIDITY
  let inside = dot(sample.weights, vec4<f32>(1.0));
  destination[elementIndex(u.destination, n, 0u, id.y, id.x)] = Stored4(vec4<f32>(inside, 0.0, 0.0, 0.0));
#else
  var base = elementIndex(u.source, n, 0u, 0u, 0u);
  var place = elementIndex(u.destination, n, 0u, id.y, id.x);
  for (var plane = 0u; plane < u.source.planes; plane++) {
    var value = vec4<f32>(0.0);
#for corner in 0..4
    value += vec4<f32>(source[base + sample.places[${corner}]]) * sample.weights[${corner}];
#endfor
    destination[place] = Stored4(value);
    base += planeSize(u.source);
    place += planeSize(u.destination);
  }
#endif
}
