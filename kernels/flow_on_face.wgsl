// A predicted flow in px where a triangle owns the pixel, 0 elsewhere; dz as the mean of the face within RADIUS, the outermost
// rows and columns counting half. OPENINGS: lids and lips move as landmarks say. One invocation per ROWS pixels of a column, whose neighbours are read once for all of them.
#param ROWS
#param RADIUS
#param OPENINGS
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#if OPENINGS
#include "include/openings.wgsl"
#endif

struct Uniforms {
  source: View,
  fragments: View,
  outputView: View,
#if OPENINGS
  gaps: u32,
  fromRow: u32,
  toRow: u32,
  behind: f32,
  reach: f32,
  tolerance: f32,
#endif
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;
#if OPENINGS
@group(0) @binding(4) var<storage, read> edges: array<vec4<f32>>;
#endif

// Sum of dz and of weights along a row.
fn alongRow(n: u32, y: u32, x: u32) -> vec2<f32> {
  var sum = vec2<f32>();
  let left = max(x, ${RADIUS}u) - ${RADIUS}u;
  let right = min(x + ${RADIUS}u, u.outputView.width - 1u);
  var place = elementIndex(u.source, n, 0u, y, left);
  var fragment = elementIndex(u.fragments, n, 0u, y, left);
  for (var at = left; at <= right; at++) {
    let covered = f32(fragments[fragment].w) >= 0.0;
    let weight = select(1.0, 0.5, at + ${RADIUS}u == x || at == x + ${RADIUS}u);
    sum += select(vec2<f32>(), weight * vec2<f32>(f32(source[place].z), 1.0), covered);
    place++;
    fragment++;
  }
  return sum;
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  let first = id.y * ${ROWS}u;
  if (id.x >= v.width || first >= v.height) { return; }
#for k in 0..ROWS
  var sum${k} = vec2<f32>();
#endfor
  // A loop, not its rounds one after the other: on software adapters those take ten times as long to compile.
  for (var r = 0u; r < ${ROWS + 2 * RADIUS}u; r++) {
    if (first + r >= ${RADIUS}u && first + r < v.height + ${RADIUS}u) {
      let row = alongRow(id.z, first + r - ${RADIUS}u, id.x);
#for k in 0..ROWS
      {
        // Rows above the first of the sum are large numbers.
        let at = r - ${k}u;
        let weighted = select(row, 0.5 * row, at == 0u || at == ${2 * RADIUS}u);
        sum${k} += select(vec2<f32>(), weighted, at <= ${2 * RADIUS}u);
      }
#endfor
    }
  }
#if OPENINGS
  let changes = openingChanges(id.z, id.x, first);
#endif
  // Each round writes the row of sum0, and the others move up.
  for (var k = 0u; k < min(${ROWS}u, v.height - first); k++) {
    let value = vec4<f32>(source[elementIndex(u.source, id.z, 0u, first + k, id.x)]);
    let isFace = f32(fragments[elementIndex(u.fragments, id.z, 0u, first + k, id.x)].w) >= 0.0;
    var onFace = vec4<f32>(value.xy, sum0.x / max(sum0.y, 1.0), 0.0) * u.scale;
#if OPENINGS
    onFace = vec4<f32>(onFace.xy + changes.rows[k], onFace.zw);
#endif
    output[elementIndex(v, id.z, 0u, first + k, id.x)] = Stored4(select(vec4<f32>(), onFace, isFace));
#for k in 1..ROWS
    sum${k - 1} = sum${k};
#endfor
  }
}
