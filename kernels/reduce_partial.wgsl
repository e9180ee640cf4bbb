// First stage of a reduction over pixels: one invocation takes every `parts`-th pixel of one plane, in order, so that the
// result is the same on every run. Each part leaves two vec4s: its result and its weight (pixels that counted).
// KIND: 0 sum, 1 minimum, 2 maximum.  MASK: weights for the sum; pixels of weight 0 do not count for the others.
// DIFFERENCE: 0 values of `source`, 1 |source - other|, 2 (source - other)^2.
#param KIND
#param MASK
#param DIFFERENCE
#include "include/layout.wgsl"

struct Uniforms {
  source: View,
  other: View,
  mask: View,
  parts: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4<f32>>;
#if DIFFERENCE != 0
@group(0) @binding(3) var<storage, read> other: array<Stored4>;
#endif
#if MASK
@group(0) @binding(4) var<storage, read> mask: array<Stored4>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let part = id.x;
  if (part >= u.parts) { return; }
  let plane = id.z % u.source.planes;
  let n = id.z / u.source.planes;
  let base = elementIndex(u.source, n, plane, 0u, 0u);
#if KIND == 0
  var result = vec4<f32>(0.0);
#elif KIND == 1
  var result = vec4<f32>(3.4e38);
#else
  var result = vec4<f32>(-3.4e38);
#endif
  var total = 0.0;
  for (var pixel = part; pixel < planeSize(u.source); pixel += u.parts) {
    var value = vec4<f32>(source[base + pixel]);
#if DIFFERENCE != 0
    value -= vec4<f32>(other[elementIndex(u.other, n, plane, 0u, 0u) + pixel]);
#if DIFFERENCE == 1
    value = abs(value);
#else
    value *= value;
#endif
#endif
#if MASK
    let weight = f32(mask[elementIndex(u.mask, n, 0u, 0u, 0u) + pixel].x);
#else
    let weight = 1.0;
#endif
#if KIND == 0
    result += value * weight;
    total += weight;
#else
    if (weight != 0.0) {
#if KIND == 1
      result = min(result, value);
#else
      result = max(result, value);
#endif
      total += 1.0;
    }
#endif
  }
  let place = ((n * u.source.planes + plane) * u.parts + part) * 2u;
  partial[place] = result;
  partial[place + 1u] = vec4<f32>(total);
}
