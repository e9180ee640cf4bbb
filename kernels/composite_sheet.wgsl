// A moved sheet over a backdrop. Each covered pixel takes the sheet's colour (times alpha, alpha in the fourth channel) at its
// place by Catmull-Rom, in the light that falls on it, puts it over the backdrop, and the patch, where the place names one, over both.
// Where one part of the sheet hides another, lashes on a lid, lips before the mouth, places jump; there the pixel takes half of its colour from
// its neighbours, as z-buffered edges are steps of whole pixels otherwise.
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

// px, from which on places jump; a sheet that is drawn out stays below.
const JUMP = 1.5;

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

fn isCovered(n: u32, y: u32, x: u32) -> bool {
  return f32(fragments[elementIndex(u.fragments, n, 0u, y, x)].w) >= 0.0;
}

fn colourAt(n: u32, y: u32, x: u32) -> vec3<f32> {
  var colour = vec4<f32>(backdrop[elementIndex(u.backdrop, 0u, 0u, y, x)]).xyz;
  if (isCovered(n, y, x)) {
    let place = vec4<f32>(places[elementIndex(u.places, n, 0u, y, x)]);
    let over = cubicSample(place.xy);
    let gain = vec4<f32>(light[elementIndex(u.light, n, 0u, y, x)]).xyz;
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
  return colour;
}

// By how many px the places of three covered pixels in a line miss a straight line; 0 where one is not covered.
fn jumpAt(n: u32, before: vec2<u32>, at: vec2<u32>, after: vec2<u32>) -> f32 {
  if (!(isCovered(n, before.y, before.x) && isCovered(n, at.y, at.x) && isCovered(n, after.y, after.x))) { return 0.0; }
  let first = vec4<f32>(places[elementIndex(u.places, n, 0u, before.y, before.x)]).xy;
  let own = vec4<f32>(places[elementIndex(u.places, n, 0u, at.y, at.x)]).xy;
  let last = vec4<f32>(places[elementIndex(u.places, n, 0u, after.y, after.x)]).xy;
  return length(first + last - 2.0 * own);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let at = id.xy;
  // At the border a pixel is its own neighbour.
  let least = max(at, vec2<u32>(1u)) - 1u;
  let most = min(at + 1u, vec2<u32>(u.destination.width, u.destination.height) - 1u);
  var colour = colourAt(n, at.y, at.x);
  let jump = max(
    jumpAt(n, vec2<u32>(least.x, at.y), at, vec2<u32>(most.x, at.y)),
    jumpAt(n, vec2<u32>(at.x, least.y), at, vec2<u32>(at.x, most.y)),
  );
  let edge = clamp(jump - JUMP, 0.0, 1.0);
  if (edge > 0.0) {
    let around = colourAt(n, at.y, least.x) + colourAt(n, at.y, most.x) + colourAt(n, least.y, at.x) + colourAt(n, most.y, at.x);
    colour += edge * (0.125 * around - 0.5 * colour);
  }
  destination[elementIndex(u.destination, n, 0u, at.y, at.x)] = Stored4(vec4<f32>(colour, 0.0));
}
