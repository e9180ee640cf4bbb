// Several half sweeps (see variational_sweep.wgsl) in workgroup memory, for adapters where a dispatch costs more than one of
// them. A workgroup loads 32x32 pixels; what it makes of those at the rim is wrong by one row more with each half sweep, so
// it stores the inner ones only, and workgroups overlap.
// One invocation: two pixels of each colour, side by side in two rows of the tile.
#param APPLY   // the last of them: stores what variational_apply.wgsl makes of the values
#include "include/layout.wgsl"

struct Uniforms {
#if APPLY
  flow: View,
  fragments: View,
  destination: View,
#endif
  size: vec2<u32>,
  // Fewer than half of REGION, and even.
  halfSweeps: u32,
  relaxation: f32,
}

const REGION = 32u;
// Rows of cells stand one cell apart, with one before the first and after the last row: what lies beyond the rim is a cell
// of its own, 0 as workgroup memory starts, that nobody writes, so no half sweep reads what it writes.
const PITCH = 33u;
const CELLS = 1123u;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> equations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> values: array<vec2<f32>>;
#if APPLY
@group(0) @binding(3) var<storage, read> flow: array<Stored4>;
@group(0) @binding(4) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> destination: array<Stored4>;
#else
@group(0) @binding(3) var<storage, read_write> solved: array<vec2<f32>>;
#endif

var<workgroup> cells: array<vec2<f32>, CELLS>;

fn cellOf(column: u32, row: u32) -> u32 {
  return (row + 1u) * PITCH + column + 1u;
}

// Cells left and right of one, above and below.
fn around(at: u32) -> vec4<u32> {
  return vec4<u32>(at - 1u, at + 1u, at - PITCH, at + PITCH);
}

// Weights of the pull between a cell and those around it, from their smoothness weights.
fn pulls(own: f32, at: u32) -> vec4<f32> {
  let places = around(at);
  let others = vec4<f32>(cells[places.x].x, cells[places.y].x, cells[places.z].x, cells[places.w].x);
  return select(vec4<f32>(0.0), 0.5 * (own + others), others > vec4<f32>(0.0));
}

// Over-relaxation times the inverse of a pixel's matrix; of no meaning off the face, whose cells nobody reads.
fn inverseOf(equation: vec4<f32>, weights: vec4<f32>) -> vec3<f32> {
  let diagonal = equation.xz + dot(weights, vec4<f32>(1.0));
  let determinant = diagonal.x * diagonal.y - equation.y * equation.y;
  return u.relaxation / determinant * vec3<f32>(diagonal.y, -equation.y, diagonal.x);
}

fn pulled(goal: vec2<f32>, weights: vec4<f32>, at: u32) -> vec2<f32> {
  let places = around(at);
  return goal + weights.x * cells[places.x] + weights.y * cells[places.y] + weights.z * cells[places.z] + weights.w * cells[places.w];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let size = vec2<i32>(u.size);
  let tile = i32(REGION - 2u * u.halfSweeps);
  let origin = vec2<i32>(group.xy) * tile - i32(u.halfSweeps);
  // Pixel 0 and 2 of an invocation are red, 1 and 3 black.
#for i in 0..4
  let row${i} = local / 16u + ${8 * (i - i % 2)}u;
  let column${i} = 2u * (local % 16u) + ((row${i} + ${i % 2}u) & 1u);
  let at${i} = cellOf(column${i}, row${i});
  let place${i} = origin + vec2<i32>(vec2<u32>(column${i}, row${i}));
  let inside${i} = all(place${i} >= vec2<i32>(0)) && all(place${i} < size);
  let pixel${i} = select(0u, (group.z * u.size.y + u32(place${i}.y)) * u.size.x + u32(place${i}.x), inside${i});
  let equation${i} = select(vec4<f32>(1.0, 0.0, 1.0, 0.0), equations[2u * pixel${i}], inside${i});
  let goal${i} = equations[2u * pixel${i} + 1u].xy;
  cells[at${i}] = equation${i}.ww;
#endfor
  workgroupBarrier();
#for i in 0..4
  let weights${i} = pulls(equation${i}.w, at${i});
#endfor
  workgroupBarrier();
#for i in 0..4
  let inverse${i} = inverseOf(equation${i}, weights${i});
  var value${i} = values[pixel${i}];
  cells[at${i}] = value${i};
#endfor
  workgroupBarrier();
  for (var pair = 0u; pair < u.halfSweeps; pair += 2u) {
#for colour in 0..2
#for i in 0..2
    {
      let pull = pulled(goal${2 * i + colour}, weights${2 * i + colour}, at${2 * i + colour});
      value${2 * i + colour} = (1.0 - u.relaxation) * value${2 * i + colour} + vec2<f32>(dot(inverse${2 * i + colour}.xy, pull), dot(inverse${2 * i + colour}.yz, pull));
      cells[at${2 * i + colour}] = value${2 * i + colour};
    }
#endfor
    workgroupBarrier();
#endfor
  }
#for i in 0..4
  {
    let inner = vec2<i32>(vec2<u32>(column${i}, row${i})) - i32(u.halfSweeps);
    if (inside${i} && all(inner >= vec2<i32>(0)) && all(inner < vec2<i32>(tile))) {
#if APPLY
      let at = vec2<u32>(place${i});
      let before = vec4<f32>(flow[elementIndex(u.flow, group.z, 0u, at.y, at.x)]);
      let covered = f32(fragments[elementIndex(u.fragments, group.z, 0u, at.y, at.x)].w) >= 0.0;
      let after = select(before.xy, value${i}, covered);
      destination[elementIndex(u.destination, group.z, 0u, at.y, at.x)] = Stored4(vec4<f32>(after, before.zw));
#else
      solved[pixel${i}] = value${i};
#endif
    }
  }
#endfor
}
