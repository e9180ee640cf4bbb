// What means and variances of both pictures on the face are made of. One invocation takes every `parts`-th pixel, in order, so
// that the result is the same on every run, and leaves two vec4s: sums of source, target and pixels; sums of squares.
#include "include/off_face.wgsl"

struct Uniforms {
  pixels: u32,
  parts: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> samples: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.parts) { return; }
  var sum = vec3<f32>();
  var squares = vec2<f32>();
  for (var pixel = id.x; pixel < u.pixels; pixel += u.parts) {
    let texel = samples[id.z * u.pixels + pixel];
    let level = select(vec2<f32>(0.0), texel.xy, onFace(texel.zw));
    sum += vec3<f32>(level, select(0.0, 1.0, onFace(texel.zw)));
    squares += level * level;
  }
  let place = 2u * (id.z * u.parts + id.x);
  sums[place] = vec4<f32>(sum, 0.0);
  sums[place + 1u] = vec4<f32>(squares, 0.0, 0.0);
}
