// Variants that do and do not compile; used by the tests of src/gpu only.
#param BAD   // 0: nothing, 1: a type error here, 2: an error in an include, 3: an extension enabled late
#include "include/params.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(${GROUP})
fn main() {
#if BAD == 1
  y[0] = params.count;
#elif BAD == 3
  y[0] = subgroupAdd(params.factor);
#endif
}
#if BAD == 2
#include "include/wrong.wgsl"
#elif BAD == 3
enable subgroups;
#endif
