// The linear equation of every pixel of the face for its displacement, and its pull on its neighbours.
// Data: grey level and gradient of the source and of the warped target shall be equal, linearised at the flow, with
// derivatives of the mean of both pictures. Each residual is divided by the gradient's length, so that it is a distance in
// px, and weighted by one over its size (the robust norm |r|, as reweighted least squares). Smoothness likewise: one over
// the size of the flow's own derivatives, so that the flow may bend sharply where it does already.
// One invocation: one pixel.
// SUMS: light comes as the parts that variational_sums.wgsl left, few enough for each invocation to add them up.
#param SUMS
#include "include/off_face.wgsl"
#include "include/light.wgsl"

struct Uniforms {
  size: vec2<u32>,
  // Weights of grey level and gradient, and of smoothness.
  brightness: f32,
  gradient: f32,
  smoothness: f32,
  // Grey levels that stand beside a gradient's length where it is divided by.
  noise: f32,
  // Size that every robust norm counts at least, px.
  sharpness: f32,
  // Weight of staying where the flow is: a pixel without contrast and neighbours has an equation too.
  rest: f32,
#if SUMS
  // As of variational_light.wgsl.
  parts: u32,
  gainFloor: f32,
  gainLimit: f32,
#endif
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> samples: array<vec4<f32>>;
#if SUMS
@group(0) @binding(2) var<storage, read> sums: array<vec4<f32>>;
#else
@group(0) @binding(2) var<storage, read> light: array<vec2<f32>>;
#endif
// Of each pixel: data matrix xx, xy, yy and smoothness weight; right side x, y.
@group(0) @binding(3) var<storage, read_write> equations: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> values: array<vec2<f32>>;

fn lightAt(pair: u32) -> vec2<f32> {
#if SUMS
  var total = vec3<f32>();
  var squares = vec2<f32>();
  for (var part = 0u; part < u.parts; part++) {
    let place = 2u * (pair * u.parts + part);
    total += sums[place].xyz;
    squares += sums[place + 1u].xy;
  }
  return lightOf(total, squares, u.gainFloor, u.gainLimit);
#else
  return light[pair];
#endif
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let size = u.size;
  if (id.x >= size.x || id.y >= size.y) { return; }
  let frame = id.z * size.x * size.y;
  let columns = vec3<u32>(max(id.x, 1u) - 1u, id.x, min(id.x + 1u, size.x - 1u));
  let rows = frame + size.x * vec3<u32>(max(id.y, 1u) - 1u, id.y, min(id.y + 1u, size.y - 1u));
  let pixel = rows.y + columns.y;
  let own = samples[pixel];
  let flow = own.zw;
  if (!onFace(flow)) {
    // Pulls on nobody; solvable, as the tiles take what lies off the face along.
    equations[2u * pixel] = vec4<f32>(u.rest, 0.0, u.rest, 0.0);
    equations[2u * pixel + 1u] = vec4<f32>();
    values[pixel] = vec2<f32>();
    return;
  }
  let colour = lightAt(id.z);
  // Mean of the source and the warped target, and their difference, of the 3x3 pixels around.
#for row in 0..3
#for column in 0..3
  let sample${row}${column} = samples[rows[${row}] + columns[${column}]];
  let second${row}${column} = colour.x * sample${row}${column}.y + colour.y;
  let level${row}${column} = vec2<f32>(0.5 * (sample${row}${column}.x + second${row}${column}), second${row}${column} - sample${row}${column}.x);
#endfor
#endfor
  let alongX = 0.5 * (level12 - level10);
  let alongY = 0.5 * (level21 - level01);
  let slope = vec2<f32>(alongX.x, alongY.x);
  let change = vec3<f32>(level11.y, alongX.y, alongY.y);
  let xx = level12.x + level10.x - 2.0 * level11.x;
  let yy = level21.x + level01.x - 2.0 * level11.x;
  let xy = 0.25 * (level22.x + level00.x - level02.x - level20.x);

  let floor_ = u.noise * u.noise;
  let least = u.sharpness * u.sharpness;
  let scale = 1.0 / (vec3<f32>(dot(slope, slope), xx * xx + xy * xy, xy * xy + yy * yy) + floor_);
  let residual = scale * change * change;
  let weights = scale * vec3<f32>(
    u.brightness * inverseSqrt(residual.x + least),
    vec2<f32>(u.gradient * inverseSqrt(residual.y + residual.z + least)));
  let matrix = vec3<f32>(
    dot(weights, vec3<f32>(slope.x * slope.x, xx * xx, xy * xy)) + u.rest,
    dot(weights, vec3<f32>(slope.x * slope.y, xx * xy, xy * yy)),
    dot(weights, vec3<f32>(slope.y * slope.y, xy * xy, yy * yy)) + u.rest);
  let pull = -vec2<f32>(
    dot(weights * change, vec3<f32>(slope.x, xx, xy)),
    dot(weights * change, vec3<f32>(slope.y, xy, yy)));

  let bendX = 0.5 * (select(flow, sample12.zw, onFace(sample12.zw)) - select(flow, sample10.zw, onFace(sample10.zw)));
  let bendY = 0.5 * (select(flow, sample21.zw, onFace(sample21.zw)) - select(flow, sample01.zw, onFace(sample01.zw)));
  let smoothness = u.smoothness * inverseSqrt(dot(bendX, bendX) + dot(bendY, bendY) + least);

  // For the displacement itself rather than for its change: the right side has the matrix times the flow on top.
  let goal = pull + vec2<f32>(dot(matrix.xy, flow), dot(matrix.yz, flow));
  equations[2u * pixel] = vec4<f32>(matrix, smoothness);
  equations[2u * pixel + 1u] = vec4<f32>(goal, 0.0, 0.0);
  values[pixel] = flow;
}
