// Flow in px of a face, corrected near the edges of openings (lids, lips) where it opens or closes them otherwise than landmarks of
// both images do. Each pair of landmarks, one on either edge, tells how far the gap's change is from the flow's; the skin of both
// edges takes its part of that, less with the distance, and nothing across the gap. One invocation a pixel.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  flow: View,
  fragments: View,
  edges: View,
  outputView: View,
  fromRow: u32,
  toRow: u32,
  behind: f32,
  reach: f32,
  tolerance: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Loaded4>;
@group(0) @binding(2) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(3) var<storage, read> edges: array<Loaded4>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;

// Width of the step from the gap to the skin, px, and where it lies before the edge.
const STEP = 0.5;
// Weights beside which a correction counts: it fades out where all edges are far.
const INERTIA = 0.01;

fn covered(n: u32, y: u32, x: u32) -> bool {
  return f32(fragments[elementIndex(u.fragments, n, 0u, y, x)].w) >= 0.0;
}

// (dx, dy) between the pixels of the face about a place, and their share of it.
fn flowAt(n: u32, place: vec2<f32>) -> vec3<f32> {
  let size = vec2<f32>(f32(u.flow.width), f32(u.flow.height));
  let at = clamp(place, vec2<f32>(), size - 1.0);
  let corner = vec2<u32>(at);
  let part = at - vec2<f32>(corner);
  var sum = vec3<f32>();
#for cy in 0..2
#for cx in 0..2
  {
    let x = min(corner.x + ${cx}u, u.flow.width - 1u);
    let y = min(corner.y + ${cy}u, u.flow.height - 1u);
    let weight = abs(f32(1 - ${cx}) - part.x) * abs(f32(1 - ${cy}) - part.y);
    let value = vec4<f32>(flow[elementIndex(u.flow, n, 0u, y, x)]);
    sum += select(vec3<f32>(), weight * vec3<f32>(value.xy, 1.0), covered(n, y, x));
  }
#endfor
#endfor
  return vec3<f32>(sum.xy / max(sum.z, 1e-6), sum.z);
}

// How much of an edge's correction the pixel takes; edge: x, y and the direction of its skin, 0 for none.
fn nearness(pixel: vec2<f32>, edge: vec4<f32>) -> f32 {
  let apart = pixel - edge.xy;
  let near = 1.0 - dot(apart, apart) / (u.reach * u.reach);
  if (near <= 0.0 || all(edge.zw == vec2<f32>())) { return 0.0; }
  let side = (dot(apart, edge.zw) + STEP) / STEP;
  return near * near * near * near / (1.0 + exp(-side));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.outputView.width || id.y >= u.outputView.height) { return; }
  let n = id.z;
  let value = vec4<f32>(flow[elementIndex(u.flow, n, 0u, id.y, id.x)]);
  let pixel = vec2<f32>(f32(id.x), f32(id.y));
  var moved = vec2<f32>();
  var weights = 0.0;
  let gaps = select(0u, u.edges.width, covered(n, id.y, id.x));
  for (var i = 0u; i < gaps; i++) {
    let upper = vec4<f32>(edges[elementIndex(u.edges, n, 0u, u.fromRow, i)]);
    let lower = vec4<f32>(edges[elementIndex(u.edges, n, 0u, u.fromRow + 1u, i)]);
    let nearUpper = nearness(pixel, upper);
    let nearLower = nearness(pixel, lower);
    if (nearUpper + nearLower <= 0.0) { continue; }
    weights += nearUpper + nearLower;
    let flowUpper = flowAt(n, upper.xy + u.behind * upper.zw);
    let flowLower = flowAt(n, lower.xy + u.behind * lower.zw);
    if (min(flowUpper.z, flowLower.z) <= 0.01) { continue; }
    let missedUpper = vec4<f32>(edges[elementIndex(u.edges, n, 0u, u.toRow, i)]).xy - upper.xy - flowUpper.xy;
    let missedLower = vec4<f32>(edges[elementIndex(u.edges, n, 0u, u.toRow + 1u, i)]).xy - lower.xy - flowLower.xy;
    let missed = missedUpper - missedLower;
    // What landmarks tremble by is not believed, what is far beyond it is.
    let doubt = u.tolerance * u.tolerance / max(dot(missed, missed), 1e-12);
    let change = missed * max(1.0 - doubt, 0.0);
    let share = length(missedUpper) / max(length(missedUpper) + length(missedLower), 1e-6);
    moved += (nearUpper * share - nearLower * (1.0 - share)) * change;
  }
  let followed = vec4<f32>(value.xy + moved / (weights + INERTIA), value.zw);
  output[elementIndex(u.outputView, n, 0u, id.y, id.x)] = Stored4(followed);
}
