// Layers over a base, RGBA8 pixels of one 32-bit word each: base + sum of alpha * (layer - base), rounded; alpha stays the base's.
// One invocation per pixel.
#include "include/grid.wgsl"
#param LAYERS

struct Uniforms {
  pixels: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> base: array<u32>;
#for i in 0..LAYERS
@group(0) @binding(${2 + i}) var<storage, read> layer${i}: array<u32>;
#endfor
@group(0) @binding(${2 + LAYERS}) var<storage, read_write> blended: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) local: u32) {
  let i = linearIndex(group, groups, local);
  if (i >= u.pixels) { return; }
  let own = unpack4x8unorm(base[i]);
  var sum = own.xyz;
#for i in 0..LAYERS
  let over${i} = unpack4x8unorm(layer${i}[i]);
  sum += over${i}.w * (over${i}.xyz - own.xyz);
#endfor
  blended[i] = pack4x8unorm(vec4<f32>(sum, own.w));
}
