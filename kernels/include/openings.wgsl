// What moves lids and lips beyond a flow, as landmarks of both images say: see ops/flow/openings.ts. Needs `source` of dx, dy and
// `fragments`, in px by `scale`, with their views, and `edges`; among the uniforms gaps, fromRow, toRow, behind, reach and tolerance.
// Width of the step from the gap to the skin, px, and where it lies before the edge.
const STEP = 0.5;
// Weights beside which a correction counts: it fades out where all edges are far.
const INERTIA = 0.01;

fn covered(n: u32, y: u32, x: u32) -> bool {
  return f32(fragments[elementIndex(u.fragments, n, 0u, y, x)].w) >= 0.0;
}

// (dx, dy) between the pixels of the face about a place, and their share of it.
fn flowAt(n: u32, place: vec2<f32>) -> vec3<f32> {
  let size = vec2<f32>(f32(u.source.width), f32(u.source.height));
  let at = clamp(place, vec2<f32>(), size - 1.0);
  let corner = vec2<u32>(at);
  let part = at - vec2<f32>(corner);
  var sum = vec3<f32>();
  for (var i = 0u; i < 4u; i++) {
    let cx = i & 1u;
    let cy = i >> 1u;
    let x = min(corner.x + cx, u.source.width - 1u);
    let y = min(corner.y + cy, u.source.height - 1u);
    let weight = abs(f32(1u - cx) - part.x) * abs(f32(1u - cy) - part.y);
    let value = vec4<f32>(source[elementIndex(u.source, n, 0u, y, x)]);
    sum += select(vec3<f32>(), weight * vec3<f32>(value.xy * u.scale, 1.0), covered(n, y, x));
  }
  return vec3<f32>(sum.xy / max(sum.z, 1e-6), sum.z);
}

// How much of an edge's correction the pixel takes; edge: x, y and the direction of its skin, 0 for none.
fn nearness(pixel: vec2<f32>, edge: vec4<f32>) -> f32 {
  let apart = pixel - edge.xy;
  let near = 1.0 - dot(apart, apart) / (u.reach * u.reach);
  if (near <= 0.0 || all(edge.zw == vec2<f32>())) { return 0.0; }
  let side = (dot(apart, edge.zw) + STEP) / STEP;
  // Bounded as in include/epilogue.wgsl.
  return near * near * near * near / (1.0 + exp(-max(side, -80.0)));
}

fn edgeAt(n: u32, row: u32, gap: u32) -> vec4<f32> {
  return edges[(n * 4u + row) * u.gaps + gap];
}

// (dx, dy) of pixels of one column, from above. A struct: OpenCL C returns no arrays.
struct OpeningChanges {
  rows: array<vec2<f32>, ${ROWS}>,
}

// Beyond the flow of the pixels of a column from `first` on. Gaps outside, rows inside: most gaps lie beside the column.
fn openingChanges(n: u32, x: u32, first: u32) -> OpeningChanges {
  var moved: OpeningChanges;
  var weights: array<f32, ${ROWS}>;
  for (var i = 0u; i < u.gaps; i++) {
    let upper = edgeAt(n, u.fromRow, i);
    let lower = edgeAt(n, u.fromRow + 1u, i);
    let column = f32(x);
    if (min(abs(column - upper.x), abs(column - lower.x)) >= u.reach) { continue; }
    var near: array<vec2<f32>, ${ROWS}>;
    var nearest = 0.0;
    for (var k = 0u; k < ${ROWS}u; k++) {
      let pixel = vec2<f32>(column, f32(first + k));
      near[k] = vec2<f32>(nearness(pixel, upper), nearness(pixel, lower));
      weights[k] += near[k].x + near[k].y;
      nearest = max(nearest, near[k].x + near[k].y);
    }
    if (nearest <= 0.0) { continue; }
    let flowUpper = flowAt(n, upper.xy + u.behind * upper.zw);
    let flowLower = flowAt(n, lower.xy + u.behind * lower.zw);
    if (min(flowUpper.z, flowLower.z) <= 0.01) { continue; }
    let missedUpper = edgeAt(n, u.toRow, i).xy - upper.xy - flowUpper.xy;
    let missedLower = edgeAt(n, u.toRow + 1u, i).xy - lower.xy - flowLower.xy;
    let missed = missedUpper - missedLower;
    // What landmarks tremble by is not believed, what is far beyond it is.
    let doubt = u.tolerance * u.tolerance / max(dot(missed, missed), 1e-12);
    let change = missed * max(1.0 - doubt, 0.0);
    let share = length(missedUpper) / max(length(missedUpper) + length(missedLower), 1e-6);
    for (var k = 0u; k < ${ROWS}u; k++) {
      moved.rows[k] += (near[k].x * share - near[k].y * (1.0 - share)) * change;
    }
  }
  for (var k = 0u; k < ${ROWS}u; k++) {
    moved.rows[k] /= weights[k] + INERTIA;
  }
  return moved;
}
