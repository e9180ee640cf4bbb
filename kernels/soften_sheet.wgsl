// Two things that give away that a sheet was moved, mended by the colours around. Where one part hides another, lashes on a lid, lips before
// the mouth, places jump; there a pixel takes half of its colour from its neighbours, as z-buffered edges are steps of whole pixels
// otherwise. So do both sides of the sheet's outline, by its alpha there: that is 0 around a person, and 1 where a head hides its own side.
// Where the sheet is drawn out in one direction alone, as the skin above an eye that shuts, what varies across it would become
// stripes; there a pixel takes the mean across them, about as wide as the sheet is drawn out. A fourth channel of weights stays; of a sheet
// that has them the outline stays too, for weights end before it.
// One invocation per pixel. Not in composite_sheet.wgsl, which would sample the sheet many times: software adapters compute a branch
// that no lane takes, but no loop that none enters.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  fragments: View,
  places: View,
  colours: View,
  destination: View,
  // 1 where the fourth channel of the colours is a weight, 0 where it is the sheet's alpha.
  weighted: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(2) var<storage, read> places: array<Loaded4>;
@group(0) @binding(3) var<storage, read> colours: array<Stored4>;
@group(0) @binding(4) var<storage, read_write> destination: array<Stored4>;

// px, from which on places jump; a sheet that is drawn out stays below.
const JUMP = 1.5;
// How far a sheet is drawn out from which on stripes show, how much of what is beyond a mean reaches to either side, and how far at most, px.
const STRIPED = 2.0;
const REACH = 1.2;
const WIDEST = 9.0;
// Pixels whose places are further from those that a sheet so drawn out would have there are of another part, px in the sheet.
const ASTRAY = 4.0;
// Weights of the pixels on one side in a mean, from the nearest on; the pixel's own is 1.
const WEIGHTS = vec4<f32>(0.92, 0.73, 0.49, 0.28);

fn isCovered(n: u32, y: u32, x: u32) -> bool {
  return f32(fragments[elementIndex(u.fragments, n, 0u, y, x)].w) >= 0.0;
}

fn placeAt(n: u32, y: u32, x: u32) -> vec2<f32> {
  let i = elementIndex(u.places, n, 0u, y, x);
  return vec2<f32>(f32(places[i].x), f32(places[i].y));
}

// Whether a pixel shows the sheet and nothing else: where it shows a patch, places in the sheet say nothing.
fn isSheet(n: u32, at: vec2<u32>) -> bool {
  return isCovered(n, at.y, at.x) && f32(places[elementIndex(u.places, n, 0u, at.y, at.x)].z) < 0.0;
}

fn colourAt(n: u32, y: u32, x: u32) -> vec4<f32> {
  return vec4<f32>(colours[elementIndex(u.colours, n, 0u, y, x)]);
}

// From the pixel to the last that takes part in a mean across stripes, px; of length 0 where there are none.
// dx, dy: what places change by from a pixel to the next in a row, in a column.
fn reachAcross(dx: vec2<f32>, dy: vec2<f32>) -> vec2<f32> {
  let xx = dot(dx, dx);
  let xy = dot(dx, dy);
  let yy = dot(dy, dy);
  let half = sqrt(0.25 * (xx - yy) * (xx - yy) + xy * xy);
  let most = 0.5 * (xx + yy) + half;
  let least = max(0.5 * (xx + yy) - half, 1e-4);
  // A sheet that grows in all directions has no stripes, and one that is pressed together has lost nothing.
  let drawnOut = inverseSqrt(max(least, least / max(most, 1e-4)));
  let reach = clamp(REACH * (drawnOut - STRIPED), 0.0, WIDEST);
  // Across the stripes places change most: the eigenvector of the larger eigenvalue, from the column that is not nothing.
  let across = select(vec2<f32>(xy, most - xx), vec2<f32>(most - yy, xy), xx >= yy);
  return across * (reach / max(length(across), 1e-12));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let at = id.xy;
  let result = elementIndex(u.destination, n, 0u, at.y, at.x);
  let own = colourAt(n, at.y, at.x);
  // At the border a pixel is its own neighbour.
  let least = max(at, vec2<u32>(1u)) - 1u;
  let most = min(at + 1u, vec2<u32>(u.destination.width, u.destination.height) - 1u);
  let isOwn = isCovered(n, at.y, at.x);
  let isThere = vec4<bool>(
    isCovered(n, at.y, least.x), isCovered(n, at.y, most.x), isCovered(n, least.y, at.x), isCovered(n, most.y, at.x),
  );
  let leftColour = colourAt(n, at.y, least.x);
  let rightColour = colourAt(n, at.y, most.x);
  let aboveColour = colourAt(n, least.y, at.x);
  let belowColour = colourAt(n, most.y, at.x);
  let around = leftColour.xyz + rightColour.xyz + aboveColour.xyz + belowColour.xyz;
  // What is not covered has an alpha of 0.
  let alphas = max(vec4<f32>(leftColour.w, rightColour.w, aboveColour.w, belowColour.w), vec4<f32>(own.w));
  let onOutline = select(vec4<f32>(0.0), alphas, isThere != vec4<bool>(isOwn));
  let isWeighted = u.weighted == 1u;
  let outline = select(max(max(onOutline.x, onOutline.y), max(onOutline.z, onOutline.w)), 0.0, isWeighted);
  let kept = select(0.0, own.w, isWeighted);
  if (!isOwn) {
    destination[result] = Stored4(vec4<f32>((1.0 - 0.5 * outline) * own.xyz + 0.125 * outline * around, kept));
    return;
  }
  let place = placeAt(n, at.y, at.x);
  let left = placeAt(n, at.y, least.x);
  let right = placeAt(n, at.y, most.x);
  let above = placeAt(n, least.y, at.x);
  let below = placeAt(n, most.y, at.x);
  let inRow = isThere.x && isThere.y;
  let inColumn = isThere.z && isThere.w;
  // By how many px the place misses the straight line through those of two neighbours.
  let jump = max(
    select(0.0, length(left + right - 2.0 * place), inRow),
    select(0.0, length(above + below - 2.0 * place), inColumn),
  );
  let edge = max(clamp(jump - JUMP, 0.0, 1.0), outline);
  let size = vec2<f32>(max(most - least, vec2<u32>(1u)));
  let dx = (right - left) / size.x;
  let dy = (below - above) / size.y;
  let across = select(vec2<f32>(0.0), reachAcross(dx, dy), inRow && inColumn && isSheet(n, at));
  let last = vec2<i32>(i32(u.destination.width), i32(u.destination.height)) - 1;
  var sum = vec4<f32>(own.xyz, 1.0);
  // Of nearest pixels: a reach of less than half of one takes none in.
  let taps = select(0, 8, dot(across, across) >= 0.25);
  for (var tap = 0; tap < taps; tap++) {
    let step = round(across * f32(tap % 4 + 1) * select(-0.25, 0.25, tap < 4));
    let there = vec2<u32>(clamp(vec2<i32>(at) + vec2<i32>(step), vec2<i32>(0), last));
    let astray = length(placeAt(n, there.y, there.x) - place - step.x * dx - step.y * dy);
    let weight = WEIGHTS[tap % 4] * clamp(2.0 - astray * (2.0 / ASTRAY), 0.0, 1.0);
    sum += select(0.0, weight, isSheet(n, there)) * vec4<f32>(colourAt(n, there.y, there.x).xyz, 1.0);
  }
  let smoothed = sum.xyz / sum.w;
  let softened = (1.0 - edge) * smoothed + edge * (0.5 * own.xyz + 0.125 * around);
  destination[result] = Stored4(vec4<f32>(softened, kept));
}
