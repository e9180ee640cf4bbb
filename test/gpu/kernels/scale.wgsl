// y = x * factor + i over `count` elements; used by the tests of src/gpu only.
#param LANES   // elements of x one thread handles
#param SHIFT   // add the element's index
#include "include/params.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
// Bound but not used: an explicit layout must keep it.
@group(0) @binding(3) var<storage, read> unused: array<f32>;

@compute @workgroup_size(${GROUP}, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let first = id.x * ${LANES}u;
#for lane in 0..LANES
  if (first + ${lane}u < params.count) {
    let i = first + ${lane}u;
#if SHIFT
    y[i] = x[i] * params.factor + f32(i);
#else
    y[i] = x[i] * params.factor;
#endif
  }
#endfor
}
