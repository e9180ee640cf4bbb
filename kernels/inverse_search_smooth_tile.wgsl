// Several Jacobi steps of the smoothing (see inverse_search_smooth.wgsl) in workgroup memory, for adapters where a
// dispatch costs more than one of them. A workgroup loads 32x32 patches; what it makes of those at the rim is wrong by one
// row more with each step, so it stores the inner ones only, and workgroups overlap.
// One invocation: four patches.
struct Uniforms {
  grid: vec2<u32>,
  // Fewer than half of REGION.
  steps: u32,
  smoothness: f32,
  prior: f32,
}

const REGION = 32u;
const CELLS = 1024u;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> equations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> displacements: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> smoothed: array<vec4<f32>>;

var<workgroup> cells: array<vec2<f32>, CELLS>;

// The four neighbours' sum; at the rim it takes any cell for the one that is not there.
fn around(at: u32) -> vec2<f32> {
  return cells[(at - 1u) % CELLS] + cells[(at + 1u) % CELLS] + cells[(at - REGION) % CELLS] + cells[(at + REGION) % CELLS];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let grid = vec2<i32>(u.grid);
  let tile = i32(REGION - 2u * u.steps);
  let origin = vec2<i32>(group.xy) * tile - i32(u.steps);
  let column = i32(local % REGION);
#for i in 0..4
  let at${i} = local + ${256 * i}u;
  let row${i} = i32(at${i} / REGION);
  let place${i} = origin + vec2<i32>(column, row${i});
  let inside${i} = all(place${i} >= vec2<i32>(0)) && all(place${i} < grid);
  let patch${i} = select(0u, (group.z * u.grid.y + u32(place${i}.y)) * u.grid.x + u32(place${i}.x), inside${i});
  let start${i} = select(vec4<f32>(0.0), displacements[patch${i}], inside${i});
  cells[at${i}] = start${i}.zz;
#endfor
  workgroupBarrier();
#for i in 0..4
  let weights${i} = u.smoothness * around(at${i}).x;
#endfor
  workgroupBarrier();
  // What no step changes: the inverse of each patch's matrix, 0 for patches without face, and its own goal.
#for i in 0..4
  let matrix${i} = equations[2u * patch${i}].xyz;
  let goal${i} = equations[2u * patch${i} + 1u].xy;
  let diagonal${i} = matrix${i}.xz + weights${i} + u.prior;
  let scale${i} = start${i}.z / (diagonal${i}.x * diagonal${i}.y - matrix${i}.y * matrix${i}.y);
  let inverse${i} = scale${i} * vec3<f32>(diagonal${i}.y, -matrix${i}.y, diagonal${i}.x);
  var value${i} = start${i}.xy;
  cells[at${i}] = value${i};
#endfor
  workgroupBarrier();
  for (var step = 0u; step < u.steps; step++) {
#for i in 0..4
    {
      let pull = goal${i} + u.smoothness * around(at${i});
      value${i} = vec2<f32>(dot(inverse${i}.xy, pull), dot(inverse${i}.yz, pull));
    }
#endfor
    workgroupBarrier();
#for i in 0..4
    cells[at${i}] = value${i};
#endfor
    workgroupBarrier();
  }
#for i in 0..4
  {
    let inner = vec2<i32>(column, row${i}) - i32(u.steps);
    if (inside${i} && all(inner >= vec2<i32>(0)) && all(inner < vec2<i32>(tile))) {
      smoothed[patch${i}] = vec4<f32>(value${i}, start${i}.zw);
    }
  }
#endfor
}
