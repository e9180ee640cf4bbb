// Forward-backward consistency of two flows. Per pixel p of the forward flow F, with the backward flow B sampled at
// p + F, in the plane (dz, where there is one, does not count): channel 0 the distance d = |F + B|, channel 1 occluded (d^2 > t, or p + F_xy outside the map), channel 2 the
// confidence exp(-d / sqrt(t)), t = alpha * (|F|^2 + |B|^2) + beta. All in pixels; zero outside the mask.
// One invocation: one pixel.
#param MASK
#include "include/layout.wgsl"
#include "include/bilinear.wgsl"

struct Uniforms {
  forward: View,
  backward: View,
  mask: View,
  destination: View,
  // Pixels per unit of the flows.
  scale: f32,
  alpha: f32,
  beta: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> forward: array<Stored4>;
@group(0) @binding(2) var<storage, read> backward: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;
#if MASK
@group(0) @binding(4) var<storage, read> mask: array<Stored4>;
#endif

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let width = u.destination.width;
  let height = u.destination.height;
  if (id.x >= width || id.y >= height) { return; }
  let n = id.z;
  let there = vec4<f32>(forward[elementIndex(u.forward, n, 0u, id.y, id.x)]).xy * u.scale;
  let goal = vec2<f32>(f32(id.x), f32(id.y)) + there;
  let sample = bilinearClamped(goal, width, height);
  let base = elementIndex(u.backward, n, 0u, 0u, 0u);
  var back = vec2<f32>(0.0);
#for corner in 0..4
  back += vec4<f32>(backward[base + sample.places[${corner}]]).xy * sample.weights[${corner}];
#endfor
  back *= u.scale;

  let gap = there + back;
  let square = dot(gap, gap);
  let threshold = u.alpha * (dot(there, there) + dot(back, back)) + u.beta;
  let limit = vec2<f32>(f32(width), f32(height)) - 0.5;
  let outside = any(goal < vec2<f32>(-0.5)) || any(goal > limit);
  var value = vec4<f32>(sqrt(square), 0.0, exp(-sqrt(square / threshold)), 0.0);
  if (outside) {
    value = vec4<f32>(value.x, 1.0, 0.0, 0.0);
  } else if (square > threshold) {
    value.y = 1.0;
  }
#if MASK
  if (f32(mask[elementIndex(u.mask, n, 0u, id.y, id.x)].x) == 0.0) { value = vec4<f32>(0.0); }
#endif
  destination[elementIndex(u.destination, n, 0u, id.y, id.x)] = Stored4(value);
}
