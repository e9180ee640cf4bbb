// Sums over each patch of the source that no step of the search changes, as three vec4:
// (pixels on the face, mean grey, mean gradient), (gxx, gxy, gyy, variance), (gradient . grey, 0, 0): sums of products of
// values less their means. Patches with too little face get 0 pixels. Starts the displacements at 0.
// One invocation: one patch.
#include "include/inverse_search.wgsl"

struct Uniforms {
  // Of the map, px; of the grid, patches.
  size: vec2<u32>,
  grid: vec2<u32>,
  leastPixels: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> sourceTexels: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> templates: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> displacements: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let grid = u.grid;
  if (id.x >= grid.x || id.y >= grid.y) { return; }
  let size = u.size;
  let first = (id.z * size.y + id.y * STRIDE) * size.x + id.x * STRIDE;
  // Grey levels relative to one of the patch keep the sums of squares small.
  let origin = bitcast<f32>(sourceTexels[first].x);
  var count = 0.0;
  var sums = vec3<f32>();          // grey, gradient
  var squares = vec3<f32>();       // gxx, gxy, gyy
  var products = vec3<f32>();      // grey * (grey, gx, gy)
  for (var row = 0u; row < PATCH; row++) {
#for column in 0..8
    {
      let texel = sourceTexel(sourceTexels[first + row * size.x + ${column}u]);
      let w = texel.weight;
      let value = vec3<f32>(texel.grey - origin, texel.gradient);
      count += w;
      sums += w * value;
      squares += w * value.yyz * value.yzz;
      products += w * value.x * value;
    }
#endfor
  }
  let enough = count >= u.leastPixels;
  let mean = sums / max(count, 1.0);
  squares -= mean.yyz * sums.yzz;
  products -= mean.x * sums;
  let patch_ = (id.z * grid.y + id.y) * grid.x + id.x;
  templates[3u * patch_] = vec4<f32>(select(0.0, count, enough), mean.x + origin, mean.yz);
  templates[3u * patch_ + 1u] = vec4<f32>(squares, max(products.x, 0.0));
  templates[3u * patch_ + 2u] = vec4<f32>(products.yz, 0.0, 0.0);
  displacements[patch_] = vec4<f32>(0.0, 0.0, select(0.0, 1.0, enough), 0.0);
}
