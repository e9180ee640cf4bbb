// One Jacobi step of the smoothing: every patch takes the displacement that balances its own equation, its neighbours
// (weight `smoothness` each) and rest (weight `prior`). Patches without face stay at 0 and count for nobody.
// One invocation: one patch.
struct Uniforms {
  grid: vec2<u32>,
  smoothness: f32,
  prior: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> equations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> displacements: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> smoothed: array<vec4<f32>>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let grid = u.grid;
  if (id.x >= grid.x || id.y >= grid.y) { return; }
  let first = id.z * grid.x * grid.y;
  let row = first + id.y * grid.x;
  let patch_ = row + id.x;
  // Beyond the border: the patch itself, which weight 0 then takes out.
  let inside = vec4<f32>(vec4<bool>(id.x > 0u, id.x + 1u < grid.x, id.y > 0u, id.y + 1u < grid.y));
  let around =
    inside.x * displacements[patch_ - select(0u, 1u, id.x > 0u)].xyz +
    inside.y * displacements[patch_ + select(0u, 1u, id.x + 1u < grid.x)].xyz +
    inside.z * displacements[patch_ - select(0u, grid.x, id.y > 0u)].xyz +
    inside.w * displacements[patch_ + select(0u, grid.x, id.y + 1u < grid.y)].xyz;
  let own = displacements[patch_];
  let matrix = equations[2u * patch_].xyz;
  let goal = equations[2u * patch_ + 1u].xy + u.smoothness * around.xy;
  let diagonal = matrix.xz + u.smoothness * around.z + u.prior;
  let solution = (diagonal.yx * goal - matrix.y * goal.yx) / (diagonal.x * diagonal.y - matrix.y * matrix.y);
  smoothed[patch_] = vec4<f32>(own.z * solution, own.zw);
}
