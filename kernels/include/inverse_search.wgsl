// Shared by the kernels of src/ops/flow/inverse-search.ts.
#include "include/off_face.wgsl"
// Side of a patch and distance of neighbouring patches, px.
const PATCH = 8u;
const STRIDE = 4u;

// One source texel, see inverse_search_texels.wgsl.
struct SourceTexel {
  grey: f32,
  gradient: vec2<f32>,
  shift: vec2<f32>,
  // 1 on the face, else 0.
  weight: f32,
}

fn sourceTexel(bits: vec4<u32>) -> SourceTexel {
  let shift = bitcast<vec2<f32>>(bits.zw);
  return SourceTexel(
    bitcast<f32>(bits.x), unpack2x16float(bits.y), shift, select(0.0, 1.0, onFace(shift)));
}
