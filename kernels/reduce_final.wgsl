// Second stage of a reduction: one invocation joins the parts of one plane, in order. Zero where no pixel counted.
// KIND: 0 mean (sum over weight), 1 minimum, 2 maximum.
#param KIND
#include "include/layout.wgsl"

struct Uniforms {
  destination: View,
  parts: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let plane = id.x;
  let n = id.z;
  if (plane >= u.destination.planes) { return; }
  let base = (n * u.destination.planes + plane) * u.parts * 2u;
  var result = partial[base];
  var total = partial[base + 1u].x;
  for (var part = 1u; part < u.parts; part++) {
    let value = partial[base + part * 2u];
#if KIND == 0
    result += value;
#elif KIND == 1
    result = min(result, value);
#else
    result = max(result, value);
#endif
    total += partial[base + part * 2u + 1u].x;
  }
  if (total == 0.0) {
    result = vec4<f32>(0.0);
  } else {
#if KIND == 0
    result /= total;
#endif
  }
  destination[elementIndex(u.destination, n, plane, 0u, 0u)] = Stored4(result);
}
