// A moved sheet over a backdrop. Each covered pixel takes the sheet's colour (times alpha, alpha in the fourth channel) at its
// place by Catmull-Rom, in the light that falls on it, puts it over the backdrop, and the patch, where the place names one, over both.
// One invocation per pixel.
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
  let last = vec2<f32>(f32(u.sheet.width), f32(u.sheet.height)) - 1.0;
  let position = clamp(place - 0.5, vec2<f32>(0.0), last);
  let corner = floor(position);
  let wx = cubicWeights(position.x - corner.x);
  let wy = cubicWeights(position.y - corner.y);
  let limit = vec2<i32>(i32(u.sheet.width), i32(u.sheet.height)) - 1;
  let first = vec2<i32>(corner) - 1;
  var sum = vec4<f32>(0.0);
  for (var j = 0; j < 4; j++) {
    let y = u32(clamp(first.y + j, 0, limit.y));
    var row = vec4<f32>(0.0);
    for (var i = 0; i < 4; i++) {
      let x = u32(clamp(first.x + i, 0, limit.x));
      row += vec4<f32>(sheet[elementIndex(u.sheet, 0u, 0u, y, x)]) * wx[i];
    }
    sum += row * wy[j];
  }
  return sum;
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  var colour = vec4<f32>(backdrop[elementIndex(u.backdrop, 0u, 0u, id.y, id.x)]).xyz;
  if (f32(fragments[elementIndex(u.fragments, n, 0u, id.y, id.x)].w) >= 0.0) {
    let place = vec4<f32>(places[elementIndex(u.places, n, 0u, id.y, id.x)]);
    let over = cubicSample(place.xy);
    let gain = vec4<f32>(light[elementIndex(u.light, n, 0u, id.y, id.x)]).xyz;
    colour = gain * over.xyz + (1.0 - clamp(over.w, 0.0, 1.0)) * colour;
    if (place.z >= 0.0) {
      let sample = bilinearZero(place.zw - 0.5, u.patchView.width, u.patchView.height);
      var inside = vec4<f32>(0.0);
      let base = elementIndex(u.patchView, n, 0u, 0u, 0u);
#for corner in 0..4
      inside += vec4<f32>(cover[base + sample.places[${corner}]]) * sample.weights[${corner}];
#endfor
      colour = inside.xyz + (1.0 - inside.w) * colour;
    }
  }
  destination[elementIndex(u.destination, n, 0u, id.y, id.x)] = Stored4(vec4<f32>(colour, 0.0));
}
