// One channel from fragments: coverage (1 where a triangle owns the pixel, else 0) or scaled depth (0 where none does).
// One invocation per pixel.
#include "include/layout.wgsl"
#param DEPTH

struct Uniforms {
  fragments: View,
  outputView: View,
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width && id.y < v.height) {
    let fragment = vec4<f32>(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)]);
#if DEPTH
    let value = fragment.x * u.scale;
#else
    let value = u.scale;
#endif
    let channel = select(0.0, value, fragment.w >= 0.0);
    output[elementIndex(v, id.z, 0u, id.y, id.x)] = Stored4(vec4<f32>(channel, 0.0, 0.0, 0.0));
  }
}
