// What means and variances of both pictures on the face are made of. One invocation takes every `parts`-th pixel, in order, so
// that the result is the same on every run, and leaves two vec4s: sums of source, target and pixels; sums of squares.
// SHARED: a workgroup adds up those of its invocations and leaves one part.
#param SHARED
#include "include/off_face.wgsl"

struct Uniforms {
  pixels: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> samples: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4<f32>>;

#if SHARED
var<workgroup> sharedSums: array<vec3<f32>, 64>;
var<workgroup> sharedSquares: array<vec2<f32>, 64>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
#if SHARED
  let stride = u.parts * 64u;
#else
  let stride = u.parts;
  if (id.x >= u.parts) { return; }
#endif
  var sum = vec3<f32>();
  var squares = vec2<f32>();
  for (var pixel = id.x; pixel < u.pixels; pixel += stride) {
    let texel = samples[id.z * u.pixels + pixel];
    let level = select(vec2<f32>(0.0), texel.xy, onFace(texel.zw));
    sum += vec3<f32>(level, select(0.0, 1.0, onFace(texel.zw)));
    squares += level * level;
  }
#if SHARED
  sharedSums[local] = sum;
  sharedSquares[local] = squares;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sharedSums[local] += sharedSums[local + half];
      sharedSquares[local] += sharedSquares[local + half];
    }
  }
  if (local > 0u) { return; }
  sum = sharedSums[0];
  squares = sharedSquares[0];
  let place = 2u * (id.z * u.parts + id.x / 64u);
#else
  let place = 2u * (id.z * u.parts + id.x);
#endif
  sums[place] = vec4<f32>(sum, 0.0);
  sums[place + 1u] = vec4<f32>(squares, 0.0, 0.0);
}
