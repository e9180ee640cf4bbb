// The flow plus the displacements of the grid, each as far as its patch is trusted, interpolated between the patches that
// have face. dz is unchanged, and so is the whole flow where no triangle is.
// One invocation: one pixel.
#include "include/layout.wgsl"
#include "include/inverse_search.wgsl"

struct Uniforms {
  flow: View,
  fragments: View,
  destination: View,
  grid: vec2<u32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(3) var<storage, read> displacements: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> destination: array<Stored4>;

// Displacement and weight of a patch.
fn trusted(patch_: u32) -> vec3<f32> {
  let displacement = displacements[patch_];
  return vec3<f32>(displacement.w * displacement.xy, displacement.z);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.flow.width || id.y >= u.flow.height) { return; }
  let last = u.grid - 1u;
  let centre = 0.5 * f32(PATCH - 1u);
  let position = clamp((vec2<f32>(id.xy) - centre) / f32(STRIDE), vec2<f32>(0.0), vec2<f32>(last));
  let whole = floor(position);
  let part = position - whole;
  let a = min(vec2<u32>(whole), last);
  let b = min(a + 1u, last);
  let upper = (id.z * u.grid.y + a.y) * u.grid.x;
  let lower = (id.z * u.grid.y + b.y) * u.grid.x;
  // Displacements of patches without face are 0 and their third lane, the weight, too.
  let sum = mix(
    mix(trusted(upper + a.x), trusted(upper + b.x), part.x),
    mix(trusted(lower + a.x), trusted(lower + b.x), part.x),
    part.y);
  let covered = f32(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)].w) >= 0.0;
  let change = vec4<f32>(sum.xy / max(sum.z, 1e-3), 0.0, 0.0);
  let before = vec4<f32>(flow[elementIndex(u.flow, id.z, 0u, id.y, id.x)]);
  let after = before + select(vec4<f32>(0.0), change, covered);
  destination[elementIndex(u.destination, id.z, 0u, id.y, id.x)] = Stored4(after);
}
