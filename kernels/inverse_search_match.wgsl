// Gauss-Newton steps of every patch towards the place in the target that looks like it, from the displacement that the
// grid has there (inverse compositional: gradients and their matrix are the source's). Patches are compared after
// their means and spreads are made equal, so changes of light do not move them.
// Leaves the patch's own displacement, and the equation that it gives to the smoothing: weight * gradient matrix, times
// the displacement. Weight: one over the variance of noise and mismatch, falling to 0 at the largest displacement. The
// last lane of a displacement is the trust in the patch: what looks otherwise in the target is mostly hidden there.
// One invocation: one patch, or with SHARED one column of it. Eight times the invocations hide the latency of loads on a
// GPU; software adapters, where a barrier is dear, take whole patches.
#param STEPS
#param SHARED
#include "include/inverse_search.wgsl"

struct Uniforms {
  size: vec2<u32>,
  grid: vec2<u32>,
  // Variance of the noise and of the mismatch above which patches count little, grey levels^2.
  noise: f32,
  mismatch: f32,
  // Added to the diagonal of the gradient matrix, grey levels^2 / px^2 per pixel.
  damping: f32,
  longestStep: f32,
  longest: f32,
  // Added to both variances before their ratio is taken: patches without contrast have no gain.
  gainFloor: f32,
  gainLimit: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> sourceTexels: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> targetTexels: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> templates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> displacements: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> equations: array<vec4<f32>>;

#if SHARED
// Sums of each column: grey, its square, products with the source's grey level and gradient.
var<workgroup> columnSums: array<vec4<f32>, 64>;
var<workgroup> columnSlopes: array<f32, 64>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let grid = u.grid;
  // Eight patches in a row. Those past the end repeat the last one, and write nothing.
  let id = vec3<u32>(min(group.x * 8u + local.y, grid.x - 1u), group.yz);
  let writes = local.x == 0u && group.x * 8u + local.y < grid.x;
#else
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let grid = u.grid;
  if (id.x >= grid.x || id.y >= grid.y) { return; }
#endif
  let size = u.size;
  let patch_ = (id.z * grid.y + id.y) * grid.x + id.x;
  let corner = id.xy * STRIDE;
  let frame = id.z * size.x * size.y;
  let last = vec2<f32>(size - 1u);
  let means = templates[3u * patch_];
  let matrix = templates[3u * patch_ + 1u];
  let slope = templates[3u * patch_ + 2u].xy;
  let count = means.x;
  let pixels = max(count, 1.0);
  // Loops rather than branches: software adapters skip a loop that no lane enters, but not a branch.
  let rows = select(0u, PATCH, count > 0.0);

  let damped = matrix.xz + u.damping * pixels;
  let inverse = vec3<f32>(damped.y, -matrix.y, damped.x) / (damped.x * damped.y - matrix.y * matrix.y);
  let floor_ = u.gainFloor * pixels;
  let start = displacements[patch_].xy;
  var moved = start;
  var mismatch = 0.0;
  for (var round = 0u; round < ${STEPS}u; round++) {
    var sum = 0.0;
    var square = 0.0;
    var withGrey = 0.0;
    var withGradient = vec2<f32>();
#if SHARED
    for (var part = 0u; part < rows; part += 8u) {
      let x = corner.x + local.x;
#else
    for (var row = 0u; row < rows; row++) {
      let y = corner.y + row;
#endif
#for i in 0..8
      {
#if SHARED
        let y = corner.y + part + ${i}u;
#else
        let x = corner.x + ${i}u;
#endif
        let texel = sourceTexel(sourceTexels[frame + y * size.x + x]);
        let position = clamp(vec2<f32>(f32(x), f32(y)) + texel.shift + moved, vec2<f32>(0.0), last);
        let whole = floor(position);
        let part = position - whole;
        let place = min(vec2<u32>(whole), size - 1u);
        let corners = targetTexels[frame + place.y * size.x + place.x];
        let upperLower = mix(corners.xz, corners.yw, part.x);
        let grey = texel.weight * (mix(upperLower.x, upperLower.y, part.y) - means.y);
        sum += grey;
        square += grey * grey;
        withGrey += grey * (texel.grey - means.y);
        withGradient += grey * texel.gradient;
      }
#endfor
    }
#if SHARED
    columnSums[local.y * 8u + local.x] = vec4<f32>(sum, square, withGrey, withGradient.x);
    columnSlopes[local.y * 8u + local.x] = withGradient.y;
    workgroupBarrier();
    var sums = vec4<f32>();
    withGradient.y = 0.0;
#for column in 0..8
    sums += columnSums[local.y * 8u + ${column}u];
    withGradient.y += columnSlopes[local.y * 8u + ${column}u];
#endfor
    workgroupBarrier();
    sum = sums.x;
    square = sums.y;
    withGrey = sums.z;
    withGradient.x = sums.w;
#endif
    let variance = max(square - sum * sum / pixels, 0.0);
    let gain = clamp(sqrt((matrix.w + floor_) / (variance + floor_)), 1.0 / u.gainLimit, u.gainLimit);
    mismatch = max(matrix.w + gain * gain * variance - 2.0 * gain * withGrey, 0.0) / pixels;
    let difference = gain * (withGradient - means.zw * sum) - slope;
    let step = vec2<f32>(dot(inverse.xy, difference), dot(inverse.yz, difference));
    moved -= step * min(1.0, u.longestStep / max(length(step), 1e-6));
  }
#if SHARED
  // The lanes of a patch have all read the displacement that one of them replaces.
  storageBarrier();
  if (!writes) { return; }
#endif
  let near = clamp(2.0 - 2.0 * length(moved) / u.longest, 0.0, 1.0);
  let noise = u.noise + mismatch * (1.0 + mismatch / u.mismatch);
  let weight = select(0.0, near / (noise * pixels), count > 0.0);
  let weighted = weight * matrix.xyz;
  equations[2u * patch_] = vec4<f32>(weighted, 0.0);
  equations[2u * patch_ + 1u] = vec4<f32>(dot(weighted.xy, moved), dot(weighted.yz, moved), 0.0, 0.0);
  let doubt = mismatch / u.mismatch;
  let trust = 1.0 / (1.0 + doubt * doubt);
  displacements[patch_] = vec4<f32>(select(start, moved, near > 0.0 && count > 0.0), select(0.0, 1.0, count > 0.0), trust);
}
