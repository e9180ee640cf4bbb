// What the search reads per pixel, packed so that one load brings all of it:
// source: grey level, its gradient (two f16), the flow's dx and dy; dx = OFF_FACE where no triangle is;
// target: the grey levels of the pixel and of its right, lower and lower right neighbours, so that a bilinear sample
// is one load.
// One invocation: one pixel.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/inverse_search.wgsl"

struct Uniforms {
  flow: View,
  source: View,
  goal: View,
  fragments: View,
  // Grey levels per unit of the three channels.
  grey: vec4<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> source: array<Loaded4>;
@group(0) @binding(3) var<storage, read> goal: array<Loaded4>;
@group(0) @binding(4) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> sourceTexels: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> targetTexels: array<vec4<f32>>;

fn sourceGrey(base: u32, place: u32) -> f32 {
  return dot(vec4<f32>(source[base + place]).xyz, u.grey.xyz);
}

fn targetGrey(base: u32, place: u32) -> f32 {
  return dot(vec4<f32>(goal[base + place]).xyz, u.grey.xyz);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let width = u.flow.width;
  let height = u.flow.height;
  if (id.x >= width || id.y >= height) { return; }
  let left = max(id.x, 1u) - 1u;
  let right = min(id.x + 1u, width - 1u);
  let above = (max(id.y, 1u) - 1u) * width;
  let row = id.y * width;
  let below = min(id.y + 1u, height - 1u) * width;

  let a = elementIndex(u.source, id.z, 0u, 0u, 0u);
  let gradient = 0.5 * vec2<f32>(
    sourceGrey(a, row + right) - sourceGrey(a, row + left),
    sourceGrey(a, below + id.x) - sourceGrey(a, above + id.x));
  let shift = vec4<f32>(flow[elementIndex(u.flow, id.z, 0u, id.y, id.x)]).xy;
  let covered = f32(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)].w) >= 0.0;
  let texel = (id.z * height + id.y) * width + id.x;
  sourceTexels[texel] = vec4<u32>(
    bitcast<u32>(sourceGrey(a, row + id.x)),
    pack2x16float(gradient),
    bitcast<u32>(select(OFF_FACE, shift.x, covered)),
    bitcast<u32>(shift.y));

  let b = elementIndex(u.goal, id.z, 0u, 0u, 0u);
  targetTexels[texel] = vec4<f32>(
    targetGrey(b, row + id.x),
    targetGrey(b, row + right),
    targetGrey(b, below + id.x),
    targetGrey(b, below + right));
}
