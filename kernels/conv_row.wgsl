// Direct convolution of kernels three wide at stride 1 with few output channels, for adapters that run on the CPU (see
// conv_direct.wgsl). With one plane of outputs there is little to do for each input loaded; so each invocation computes
// PX neighbours in a row, and every input serves the three taps it meets: PX + 2 loads for 3 * PX products.
#param SUBGROUP
#param PX
#param WG
enable subgroups;
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/epilogue.wgsl"

struct Uniforms {
  x: View,
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  // Runs of PX outputs in a row of the output, and in all rows of all batch entries.
  runsX: u32,
  runs: u32,
  tapsY: i32,
  padX: i32,
  padY: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Loaded4>;
// [output plane][tap][input plane][input lane]
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(${WG})
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Invocations past the end repeat the last run and write the same values.
  let run = min(id.x, u.runs - 1u);
  let column = (run % u.runsX) * ${PX}u;
  let row = (run / u.runsX) % u.y.height;
  let n = run / (u.runsX * u.y.height);
  let outPlane = id.y;
  let planeStep = planeSize(u.x);
  let width = i32(u.x.width);
  let height = i32(u.x.height);
  let left = i32(column) - u.padX;
  let top = i32(row) - u.padY;
  let start = u.x.offset + n * u.x.batchStride;

  // Inputs outside count nothing.
#for i in 0..PX + 2
  let mask${i} = select(0.0, 1.0, (left + ${i} >= 0) & (left + ${i} < width));
  let column${i} = u32(clamp(left + ${i}, 0, width - 1));
#endfor
  let bias = vectors[outPlane];
#for i in 0..PX
  var acc${i} = bias;
#endfor

  // Every lane loads its share of the 12 vec4s that the three taps of a row take from one input plane.
  let tapStep = u.x.planes * 4u;
  let firstWeight = outPlane * u32(u.tapsY) * 3u * tapStep + lane % 4u;
#for s in 0..(12 + SUBGROUP - 1) / SUBGROUP
  let tap${s} = min(lane / 4u + ${s * SUBGROUP / 4}u, 2u) * tapStep;
#endfor
  for (var tapY = 0; tapY < u.tapsY; tapY++) {
    let inY = top + tapY;
    let rowMask = select(0.0, 1.0, (inY >= 0) & (inY < height));
    let rowStart = start + u32(clamp(inY, 0, height - 1) * width);
    let rowWeight = firstWeight + u32(tapY) * 3u * tapStep;
    for (var plane = 0u; plane < u.x.planes; plane++) {
      let planeStart = rowStart + plane * planeStep;
#for i in 0..PX + 2
      let x${i} = vec4<f32>(x[planeStart + column${i}]) * (mask${i} * rowMask);
#endfor
#for s in 0..(12 + SUBGROUP - 1) / SUBGROUP
      let share${s} = vec4<f32>(weights[rowWeight + tap${s} + plane * 4u]);
#endfor
#for t in 0..3
#for k in 0..4
#if SUBGROUP == 8
      let w${t}_${k} = subgroupShuffle(share${(t * 4 + k) / SUBGROUP}, ${(t * 4 + k) % SUBGROUP}u);
#else
      let w${t}_${k} = subgroupBroadcast(share${(t * 4 + k) / SUBGROUP}, ${(t * 4 + k) % SUBGROUP}u);
#endif
#for i in 0..PX
      acc${i} = fma(w${t}_${k}, vec4<f32>(x${i + t}[${k}]), acc${i});
#endfor
#endfor
#endfor
    }
  }

  let slope = vectors[u.y.planes + outPlane];
  // A round a pixel, as in conv_direct.wgsl.
  for (var outX = column; outX < min(column + ${PX}u, u.y.width); outX++) {
    let other = residualAt(n, outPlane, row, outX);
    y[elementIndex(u.y, n, outPlane, row, outX)] = Stored4(applyEpilogue(acc0, slope, other));
#for i in 1..PX
    acc${i - 1} = acc${i};
#endfor
  }
}
