// Depthwise convolution: PX outputs in a row per invocation, so that a weight is loaded once for all of them.
// Memory-bound on every adapter, hence one schedule.
#param PX
#param WG
#include "include/layout.wgsl"
#include "include/epilogue.wgsl"

struct Uniforms {
  x: View,
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  // Runs of PX outputs in a row of the output.
  runs: u32,
  kernelX: i32,
  kernelY: i32,
  strideX: i32,
  strideY: i32,
  padX: i32,
  padY: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Stored4>;
// [plane][tap]
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Invocations past the end repeat the last run.
  let run = min(id.x, u.runs * u.y.height - 1u);
  let row = run / u.runs;
  let column = (run % u.runs) * ${PX}u;
  let width = i32(u.x.width);
  let height = i32(u.x.height);
  let planeStart = elementIndex(u.x, id.z, id.y, 0u, 0u);
  let top = i32(row) * u.strideY - u.padY;
  let left = i32(column) * u.strideX - u.padX;
  let bias = vectors[id.y];
#for i in 0..PX
  var acc${i} = bias;
#endfor
  var next = id.y * u32(u.kernelX * u.kernelY);
  for (var tapY = 0; tapY < u.kernelY; tapY++) {
    let inY = top + tapY;
    let rowInside = (inY >= 0) & (inY < height);
    let rowStart = planeStart + u32(clamp(inY, 0, height - 1) * width);
    for (var tapX = 0; tapX < u.kernelX; tapX++) {
      let w = vec4<f32>(weights[next]);
      next++;
#for i in 0..PX
      {
        let inX = left + ${i} * u.strideX + tapX;
        let mask = select(0.0, 1.0, rowInside & (inX >= 0) & (inX < width));
        acc${i} += (w * mask) * vec4<f32>(x[rowStart + u32(clamp(inX, 0, width - 1))]);
      }
#endfor
    }
  }
  let slope = vectors[u.y.planes + id.y];
#for i in 0..PX
  if (column + ${i}u < u.y.width) {
#if RESIDUAL > 0
    let other = vec4<f32>(residual[elementIndex(u.residual, id.z, id.y, row, column + ${i}u)]);
#else
    let other = vec4<f32>(0.0);
#endif
    y[elementIndex(u.y, id.z, id.y, row, column + ${i}u)] = Stored4(applyEpilogue(acc${i}, slope, other));
  }
#endfor
}
