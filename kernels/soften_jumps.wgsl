// Where one part of a sheet hides another, lashes on a lid, lips before the mouth, places jump; there a pixel takes half of its colour
// from its neighbours, as z-buffered edges are steps of whole pixels otherwise. The fourth channel stays.
// One invocation per pixel. Not in composite_sheet.wgsl, which would sample the sheet five times: software adapters compute a branch
// that no lane takes.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  fragments: View,
  places: View,
  colours: View,
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(2) var<storage, read> places: array<Loaded4>;
@group(0) @binding(3) var<storage, read> colours: array<Stored4>;
@group(0) @binding(4) var<storage, read_write> destination: array<Stored4>;

// px, from which on places jump; a sheet that is drawn out stays below.
const JUMP = 1.5;

fn isCovered(n: u32, y: u32, x: u32) -> bool {
  return f32(fragments[elementIndex(u.fragments, n, 0u, y, x)].w) >= 0.0;
}

fn placeAt(n: u32, y: u32, x: u32) -> vec2<f32> {
  let i = elementIndex(u.places, n, 0u, y, x);
  return vec2<f32>(f32(places[i].x), f32(places[i].y));
}

fn colourAt(n: u32, y: u32, x: u32) -> vec3<f32> {
  return vec4<f32>(colours[elementIndex(u.colours, n, 0u, y, x)]).xyz;
}

// By how many px the place of a pixel misses the straight line through those of two neighbours; 0 where one of these is not covered.
fn jumpBetween(n: u32, before: vec2<u32>, own: vec2<f32>, after: vec2<u32>) -> f32 {
  let missed = length(placeAt(n, before.y, before.x) + placeAt(n, after.y, after.x) - 2.0 * own);
  return select(0.0, missed, isCovered(n, before.y, before.x) && isCovered(n, after.y, after.x));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let at = id.xy;
  let result = elementIndex(u.destination, n, 0u, at.y, at.x);
  let own = colours[elementIndex(u.colours, n, 0u, at.y, at.x)];
  if (!isCovered(n, at.y, at.x)) {
    destination[result] = own;
    return;
  }
  // At the border a pixel is its own neighbour.
  let least = max(at, vec2<u32>(1u)) - 1u;
  let most = min(at + 1u, vec2<u32>(u.destination.width, u.destination.height) - 1u);
  let place = placeAt(n, at.y, at.x);
  let jump = max(
    jumpBetween(n, vec2<u32>(least.x, at.y), place, vec2<u32>(most.x, at.y)),
    jumpBetween(n, vec2<u32>(at.x, least.y), place, vec2<u32>(at.x, most.y)),
  );
  let edge = clamp(jump - JUMP, 0.0, 1.0);
  var colour = vec4<f32>(own);
  if (edge > 0.0) {
    let around = colourAt(n, at.y, least.x) + colourAt(n, at.y, most.x) + colourAt(n, least.y, at.x) + colourAt(n, most.y, at.x);
    colour += vec4<f32>(edge * (0.125 * around - 0.5 * colour.xyz), 0.0);
  }
  destination[result] = Stored4(colour);
}
