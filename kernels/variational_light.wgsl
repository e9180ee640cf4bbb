// Gain and offset that give the target, warped, the mean and the variance that the source has on the face.
// One workgroup: one pair. The same bits on every run. For software adapters; elsewhere variational_equations.wgsl adds up itself.
#include "include/light.wgsl"

struct Uniforms {
  // Partial sums of a pair.
  parts: u32,
  // Added to both variances before their ratio is taken, grey levels^2.
  gainFloor: f32,
  gainLimit: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> light: array<vec2<f32>>;

var<workgroup> totals: array<vec3<f32>, 64>;
var<workgroup> squares: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  var total = vec3<f32>();
  var square = vec2<f32>();
  for (var part = local; part < u.parts; part += 64u) {
    let place = 2u * (group.z * u.parts + part);
    total += sums[place].xyz;
    square += sums[place + 1u].xy;
  }
  totals[local] = total;
  squares[local] = square;
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 1u; i < 64u; i++) {
      total += totals[i];
      square += squares[i];
    }
    light[group.z] = lightOf(total, square, u.gainFloor, u.gainLimit);
  }
}
