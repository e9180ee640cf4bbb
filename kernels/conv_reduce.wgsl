// Adds up the partial sums of a split conv_gemm.wgsl, then bias and epilogue. One output vec4 per invocation.
#param WG
#include "include/layout.wgsl"
#include "include/epilogue.wgsl"

struct Uniforms {
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  gridWidth: u32,
  gridHeight: u32,
  pixels: u32,
  splits: u32,
  outStrideX: u32,
  outStrideY: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
// [phase][split][plane][pixel]
@group(0) @binding(1) var<storage, read> partial: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(4) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let pixel = id.x;
  let plane = id.y;
  let phase = id.z;
  let gridSize = u.gridWidth * u.gridHeight;
  let n = pixel / gridSize;
  let outX = (pixel % u.gridWidth) * u.outStrideX + phase % u.outStrideX;
  let outY = ((pixel % gridSize) / u.gridWidth) * u.outStrideY + phase / u.outStrideX;
  if ((pixel >= u.pixels) | (outX >= u.y.width) | (outY >= u.y.height)) {
    return;
  }
  var sum = vectors[plane];
  for (var split = 0u; split < u.splits; split++) {
    sum += partial[((phase * u.splits + split) * u.y.planes + plane) * u.pixels + pixel];
  }
  let other = residualAt(n, plane, outY, outX);
  y[elementIndex(u.y, n, plane, outY, outX)] = Stored4(applyEpilogue(sum, vectors[u.y.planes + plane], other));
}
