#param BAD
#include "include/params.wgsl"

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(${GROUP})
fn main() {
#if BAD
  y[0] = params.count;
#endif
}
