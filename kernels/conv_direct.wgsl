// Direct convolution for adapters that run on the CPU, where every storage load is dear (about 30 ns per SIMD
// group, whatever its width) and registers are cheap: each invocation keeps PX pixels x COP planes of outputs.
//
// One kernel serves convolution and transposed convolution of any size. Outputs are computed on a grid; a
// transposed convolution of stride s has s x s phases (output parities), each a plain convolution of the input whose
// results land on every s-th output pixel. Convolutions have one phase. All shapes are uniforms, so that layers
// share pipelines.
//
// SUBGROUP > 0 (number of lanes): the lanes of a subgroup work on one group of output planes; each loads a share of
// the weights and broadcasts it. SUBGROUP == 0: every invocation loads its weights as whole 4x4 matrices.
#param SUBGROUP
#param PX
#param COP
#param WGX
#param WGY
#if SUBGROUP > 0
enable subgroups;
#endif
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/epilogue.wgsl"
#include "include/few_channels.wgsl"

struct Uniforms {
  x: View,
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  gridWidth: u32,
  gridHeight: u32,
  // batches * gridHeight * gridWidth
  pixels: u32,
  groups: u32,
  tapsX: i32,
  tapsY: i32,
  // Step of the input position from one grid point to the next, and of the output position.
  inStrideX: i32,
  inStrideY: i32,
  outStrideX: i32,
  outStrideY: i32,
  // First tap of grid point 0 in phase p: (p + lead) / outStride - shift.
  leadX: i32,
  leadY: i32,
  shiftX: i32,
  shiftY: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Loaded4>;
#if SUBGROUP > 0
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
#elif F16
@group(0) @binding(2) var<storage, read> weights: array<mat4x4<f16>>;
#else
@group(0) @binding(2) var<storage, read> weights: array<mat4x4<f32>>;
#endif
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(${WGX}, ${WGY})
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
#if SUBGROUP > 0
  @builtin(subgroup_invocation_id) lane: u32,
#endif
) {
  let group = min(id.y, u.groups - 1u);
  let phase = i32(id.z);
  let phaseY = phase / u.outStrideX;
  let phaseX = phase % u.outStrideX;
  let originX = (phaseX + u.leadX) / u.outStrideX - u.shiftX;
  let originY = (phaseY + u.leadY) / u.outStrideY - u.shiftY;
  let gridSize = u.gridWidth * u.gridHeight;
  let planeStep = planeSize(u.x);
  let width = i32(u.x.width);
  let height = i32(u.x.height);

  // Input position under the first tap, and where that batch entry begins.
#for i in 0..PX
  let pixel${i} = min(id.x * ${PX}u + ${i}u, u.pixels - 1u);
  let n${i} = pixel${i} / gridSize;
  let row${i} = i32((pixel${i} % gridSize) / u.gridWidth);
  let column${i} = i32(pixel${i} % u.gridWidth);
  let batch${i} = u.x.offset + n${i} * u.x.batchStride;
  let left${i} = column${i} * u.inStrideX + originX;
  let top${i} = row${i} * u.inStrideY + originY;
#endfor

#for j in 0..COP
  let bias${j} = sumLanes(vectors[group * ${COP}u + ${j}u]);
#for i in 0..PX
  var acc${i}_${j} = bias${j};
#endfor
#endfor

  let taps = u.tapsX * u.tapsY;
#if SUBGROUP > 0
  var next = (u32(phase) * u.groups + group) * u32(taps) * u.x.planes * ${COP * 4}u + lane;
#else
  var next = (u32(phase) * u.groups + group) * u32(taps) * u.x.planes * ${COP}u;
#endif
  for (var tap = 0; tap < taps; tap++) {
    let tapY = tap / u.tapsX;
    let tapX = tap - tapY * u.tapsX;
    // Taps outside the input read pixel 0 of their plane and count nothing.
#for i in 0..PX
    let inX${i} = left${i} + tapX;
    let inY${i} = top${i} + tapY;
    let inside${i} = (inX${i} >= 0) & (inX${i} < width) & (inY${i} >= 0) & (inY${i} < height);
    let mask${i} = select(0.0, 1.0, inside${i});
    let at${i} = batch${i} + select(0u, u32(inY${i} * width + inX${i}), inside${i});
#endfor
#if SUBGROUP == 0 && PX * COP <= 4
    // Few accumulators leave registers for the sum of one tap: it is masked once, not each plane's inputs.
#for j in 0..COP
#for i in 0..PX
    var sum${i}_${j} = Sum(0.0);
#endfor
#endfor
#endif
    for (var plane = 0u; plane < u.x.planes; plane++) {
      let step = plane * planeStep;
#for i in 0..PX
#if SUBGROUP == 0 && PX * COP <= 4
      let x${i} = vec4<f32>(x[at${i} + step]);
#else
      let x${i} = vec4<f32>(x[at${i} + step]) * mask${i};
#endif
#endfor
#if SUBGROUP > 0
#for s in 0..COP * 4 / SUBGROUP
      let share${s} = vec4<f32>(weights[next + ${s * SUBGROUP}u]);
#endfor
#endif
      // All that an accumulator gets, at a stretch: it then travels through a register once a round.
#for j in 0..COP
      {
#if SUBGROUP > 0
#for k in 0..4
#if SUBGROUP == 8
        let w${k} = sumLanes(subgroupShuffle(share${(j * 4 + k) / SUBGROUP}, ${(j * 4 + k) % SUBGROUP}u));
#else
        let w${k} = sumLanes(subgroupBroadcast(share${(j * 4 + k) / SUBGROUP}, ${(j * 4 + k) % SUBGROUP}u));
#endif
#endfor
#else
        let w = weights[next + ${j}u];
#for k in 0..4
        let w${k} = sumLanes(vec4<f32>(w[${k}]));
#endfor
#endif
#for k in 0..4
#for i in 0..PX
#if SUBGROUP == 0 && PX * COP <= 4
        sum${i}_${j} = fma(w${k}, Sum(x${i}[${k}]), sum${i}_${j});
#else
        acc${i}_${j} = fma(w${k}, Sum(x${i}[${k}]), acc${i}_${j});
#endif
#endfor
#endfor
      }
#endfor
#if SUBGROUP > 0
      next += ${COP * 4}u;
#else
      next += ${COP}u;
#endif
    }
#if SUBGROUP == 0 && PX * COP <= 4
#for j in 0..COP
#for i in 0..PX
    acc${i}_${j} = fma(sum${i}_${j}, Sum(mask${i}), acc${i}_${j});
#endfor
#endfor
#endif
  }

  // Compile time on these adapters grows steeply with branches and with what lives across them, so this stands here once:
  // each round of a loop writes the sums of acc0, and those of the other pixels move up. Pixels and groups past the end
  // repeat the last one, and write the same values. Planes past the end come first and are overwritten by the last
  // plane. Whatever does not depend on the pixel is loaded once: these drivers load it again wherever the code does.
  let lastPlane = u.y.planes - 1u;
  let outWidth = u.y.width;
  let outHeight = u.y.height;
  let outStep = outWidth * outHeight;
#for j in 0..COP
  let outPlane${j} = min(group * ${COP}u + ${j}u, lastPlane);
  let plane${j} = outPlane${j} * outStep;
  let slope${j} = vectors[(u.groups + group) * ${COP}u + ${j}u];
#endfor
#if RESIDUAL > 0
  let otherWidth = u.residual.width;
  let otherStep = planeSize(u.residual);
  let otherPlanes = u.residual.planes;
#for j in 0..COP
  let otherPlane${j} = min(outPlane${j}, otherPlanes - 1u) * otherStep;
  let otherMask${j} = select(0.0, 1.0, outPlane${j} < otherPlanes);
#endfor
#endif
  for (var i = 0u; i < ${PX}u; i++) {
    let pixel = min(id.x * ${PX}u + i, u.pixels - 1u);
    let n = pixel / gridSize;
    let outX = u32(i32(pixel % u.gridWidth) * u.outStrideX + phaseX);
    let outY = u32(i32((pixel % gridSize) / u.gridWidth) * u.outStrideY + phaseY);
    if ((outX < outWidth) & (outY < outHeight)) {
      let first = u.y.offset + n * u.y.batchStride + outY * outWidth + outX;
#if RESIDUAL > 0
      let otherAt = (outY * otherWidth + outX) * ${1 + RESIDUAL / 3}u;
      let otherFirst = u.residual.offset + n * u.residual.batchStride + otherAt;
#endif
#for k in 0..COP
      {
#if RESIDUAL > 0
        let other = residualFrom(otherFirst + otherPlane${COP - 1 - k}, otherWidth) * otherMask${COP - 1 - k};
#else
        let other = vec4<f32>(0.0);
#endif
        y[first + plane${COP - 1 - k}] = Stored4(applyEpilogue(allLanes(acc0_${COP - 1 - k}), slope${COP - 1 - k}, other));
      }
#endfor
    }
#for i in 1..PX
#for j in 0..COP
    acc${i - 1}_${j} = acc${i}_${j};
#endfor
#endfor
  }
}
