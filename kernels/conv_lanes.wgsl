// Convolution for outputs of few pixels or few channels on GPUs: a workgroup computes PX pixels of one output plane, and its
// lanes share the sum over taps and input planes. Neighbouring lanes read neighbouring weights, and no tile is filled up
// with pixels or channels that are not there. Problems (phases, grids, taps) are those of conv_direct.wgsl.
#param WG
#param PX
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
  tapsX: u32,
  tapsY: u32,
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
// [phase][output plane][tap][input plane][input lane]
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif

// [pixel][lane]
var<workgroup> sums: array<Sum, ${WG * PX}>;

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let outPlane = tile.y;
  let phaseY = i32(tile.z) / u.outStrideX;
  let phaseX = i32(tile.z) % u.outStrideX;
  let originX = (phaseX + u.leadX) / u.outStrideX - u.shiftX;
  let originY = (phaseY + u.leadY) / u.outStrideY - u.shiftY;
  let gridSize = u.gridWidth * u.gridHeight;
  let planeStep = planeSize(u.x);
  let width = i32(u.x.width);
  let allSteps = u.tapsX * u.tapsY * u.x.planes;
  let weightStart = (tile.z * u.y.planes + outPlane) * allSteps;

#for i in 0..PX
  let pixel${i} = min(tile.x * ${PX}u + ${i}u, u.pixels - 1u);
  let top${i} = i32((pixel${i} % gridSize) / u.gridWidth) * u.inStrideY + originY;
  let left${i} = i32(pixel${i} % u.gridWidth) * u.inStrideX + originX;
  let first${i} = i32(u.x.offset + (pixel${i} / gridSize) * u.x.batchStride) + top${i} * width + left${i};
  var acc${i} = Sum(0.0);
#endfor

  for (var step = lane; step < allSteps; step += ${WG}u) {
    let plane = step % u.x.planes;
    let tap = step / u.x.planes;
    let tapX = i32(tap % u.tapsX);
    let tapY = i32(tap / u.tapsX);
    let fromFirst = tapY * width + tapX + i32(plane * planeStep);
    let weight = (weightStart + step) * 4u;
#for k in 0..4
    let w${k} = sumLanes(vec4<f32>(weights[weight + ${k}u]));
#endfor
#for i in 0..PX
    {
      // Negative positions are large ones without a sign: one comparison an axis.
      let inside = (u32(top${i} + tapY) < u.x.height) & (u32(left${i} + tapX) < u.x.width);
      let at = select(0u, u32(first${i} + fromFirst), inside);
      let value = select(vec4<f32>(0.0), vec4<f32>(x[at]), inside);
#for k in 0..4
      acc${i} = fma(w${k}, Sum(value[${k}]), acc${i});
#endfor
    }
#endfor
  }

#for i in 0..PX
  sums[${i * WG}u + lane] = acc${i};
#endfor
  for (var half = ${WG / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
#for i in 0..PX
      sums[${i * WG}u + lane] += sums[${i * WG}u + lane + half];
#endfor
    }
  }
  workgroupBarrier();

  let pixel = tile.x * ${PX}u + lane;
  if ((lane >= ${PX}u) | (pixel >= u.pixels)) {
    return;
  }
  let n = pixel / gridSize;
  let outX = u32(i32(pixel % u.gridWidth) * u.outStrideX + phaseX);
  let outY = u32(i32((pixel % gridSize) / u.gridWidth) * u.outStrideY + phaseY);
  if ((outX >= u.y.width) | (outY >= u.y.height)) {
    return;
  }
  let other = residualAt(n, outPlane, outY, outX);
  let value = applyEpilogue(allLanes(sums[lane * ${WG}u]) + vectors[outPlane], vectors[u.y.planes + outPlane], other);
  y[elementIndex(u.y, n, outPlane, outY, outX)] = Stored4(value);
}
