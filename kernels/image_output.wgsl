// Tensor -> RGBA8 pixels, [n][y][x] of one 32-bit word: value * scale + offset, clamped to [0, 1], rounded.
// One channel becomes grey; a fourth is alpha as it is. One invocation per pixel.
#include "include/layout.wgsl"
#param GREY

struct Uniforms {
  inputView: View,
  // Of alpha 1 where the input has it, else 0.
  scale: vec4<f32>,
  offset: vec4<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.inputView;
  if (id.x < v.width && id.y < v.height) {
    let value = vec4<f32>(input[elementIndex(v, id.z, 0u, id.y, id.x)]);
#if GREY
    let rgb = vec3<f32>(value.x * u.scale.x + u.offset.x);
#else
    let rgb = value.xyz * u.scale.xyz + u.offset.xyz;
#endif
    let alpha = select(1.0, value.w, u.scale.w > 0.0);
    output[(id.z * v.height + id.y) * v.width + id.x] = pack4x8unorm(vec4<f32>(rgb, alpha));
  }
}
