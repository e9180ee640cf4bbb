// A moved sheet over a backdrop. Each covered pixel takes the sheet's colour (times alpha, alpha in the fourth channel) at its
// place by Catmull-Rom, in the light that falls on it, puts it over the backdrop, and the patch, where the place names one, over both.
// Where the light has a fourth channel, that is kept; else the sheet's alpha is left there.
// One invocation per pixel, and no loops: software adapters take longer for one around the sampling than for all pixels without.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/bilinear.wgsl"

struct Uniforms {
  fragments: View,
  places: View,
  light: View,
  sheet: View,
  backdrop: View,
  patchView: View,
  destination: View,
  // 1 where the light has a fourth channel, else 0.
  weighted: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Loaded4>;
// Channels: x, y in the sheet, x, y in the patch (negative: none); px, centres at + 0.5.
@group(0) @binding(2) var<storage, read> places: array<Loaded4>;
@group(0) @binding(3) var<storage, read> light: array<Loaded4>;
@group(0) @binding(4) var<storage, read> sheet: array<Stored4>;
@group(0) @binding(5) var<storage, read> backdrop: array<Stored4>;
@group(0) @binding(6) var<storage, read> cover: array<Stored4>;
@group(0) @binding(7) var<storage, read_write> destination: array<Stored4>;

// Weights of the four pixels around a point `t` of the way from the second to the third (Catmull and Rom).
fn cubicWeights(t: f32) -> vec4<f32> {
  return vec4<f32>(
    ((-0.5 * t + 1.0) * t - 0.5) * t,
    (1.5 * t - 2.5) * t * t + 1.0,
    ((-1.5 * t + 2.0) * t + 0.5) * t,
    (0.5 * t - 0.5) * t * t,
  );
}

fn cubicSample(place: vec2<f32>) -> vec4<f32> {
  let limit = vec2<f32>(f32(u.sheet.width), f32(u.sheet.height)) - 1.0;
  let position = clamp(place - 0.5, vec2<f32>(0.0), limit);
  let corner = floor(position);
  let wx = cubicWeights(position.x - corner.x);
  let wy = cubicWeights(position.y - corner.y);
  let last = vec2<i32>(limit);
  let steps = vec4<i32>(-1, 0, 1, 2);
  let x = vec4<u32>(clamp(vec4<i32>(i32(corner.x)) + steps, vec4<i32>(0), vec4<i32>(last.x)));
  let y = vec4<u32>(clamp(vec4<i32>(i32(corner.y)) + steps, vec4<i32>(0), vec4<i32>(last.y)));
  let rows = u.sheet.offset + y * u.sheet.width;
  var sum = vec4<f32>(0.0);
#for j in 0..4
  sum += wy[${j}] * (vec4<f32>(sheet[rows[${j}] + x.x]) * wx.x + vec4<f32>(sheet[rows[${j}] + x.y]) * wx.y
    + vec4<f32>(sheet[rows[${j}] + x.z]) * wx.z + vec4<f32>(sheet[rows[${j}] + x.w]) * wx.w);
#endfor
  return sum;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let result = elementIndex(u.destination, n, 0u, id.y, id.x);
  let behind = vec4<f32>(backdrop[elementIndex(u.backdrop, 0u, 0u, id.y, id.x)]).xyz;
  if (f32(fragments[elementIndex(u.fragments, n, 0u, id.y, id.x)].w) < 0.0) {
    destination[result] = Stored4(vec4<f32>(behind, 0.0));
    return;
  }
  let place = vec4<f32>(places[elementIndex(u.places, n, 0u, id.y, id.x)]);
  let over = cubicSample(place.xy);
  let gain = vec4<f32>(light[elementIndex(u.light, n, 0u, id.y, id.x)]);
  var colour = gain.xyz * over.xyz + (1.0 - clamp(over.w, 0.0, 1.0)) * behind;
  if (place.z >= 0.0) {
    let sample = bilinearZero(place.zw - 0.5, u.patchView.width, u.patchView.height);
    var inside = vec4<f32>(0.0);
    let base = elementIndex(u.patchView, n, 0u, 0u, 0u);
#for corner in 0..4
    inside += vec4<f32>(cover[base + sample.places[${corner}]]) * sample.weights[${corner}];
#endfor
    colour = inside.xyz + (1.0 - inside.w) * colour;
  }
  let kept = select(clamp(over.w, 0.0, 1.0), gain.w, u.weighted == 1u);
  destination[result] = Stored4(vec4<f32>(colour, kept));
}
