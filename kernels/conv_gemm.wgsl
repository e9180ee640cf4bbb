// Convolution as an implicit matrix product for GPUs: [output channel][tap and input plane] x [tap and input plane]
// [pixel], through workgroup memory. Problems (phases, grids, taps) are those of conv_direct.wgsl.
//
// A workgroup of TX x TY invocations computes TX * PX pixels x TY * CP planes, each invocation PX pixels (TX apart, so
// that neighbours read neighbouring vec4s) x CP planes. Rounds go over KP steps of the flat index
// tap * planes + plane. The next round's operands are loaded into registers while this one is computed. Where TY > PX a tile
// has fewer pixels than invocations, which then load TY / PX steps side by side; inputs have at least as many planes.
#param TX
#param TY
#param PX
#param CP
#param KP
// 1: the flat index is split over workgroups; partial sums go to conv_reduce.wgsl.
#param SPLIT
// 1: inputs have three channels in all, and no lane of a step is left to padding: the flat index is tap * 3 + channel, and
// the four taps of a round (KP = 3, TY <= PX) make three steps.
#param TRIPLES
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/epilogue.wgsl"

const threads = ${TX * TY}u;
const tilePixels = ${TX * PX}u;
const tilePlanes = ${TY * CP}u;

struct Uniforms {
  x: View,
  y: View,
#if RESIDUAL > 0 && !SPLIT
  residual: View,
#endif
  gridWidth: u32,
  gridHeight: u32,
  // batches * gridHeight * gridWidth
  pixels: u32,
  groups: u32,
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
  // Workgroups along the flat index, and how many steps each takes (a multiple of KP).
  splits: u32,
  steps: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Loaded4>;
// [phase][group of planes][step][plane of the group][input lane]
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
#if SPLIT
// [phase][split][plane][pixel]
@group(0) @binding(3) var<storage, read_write> partial: array<vec4<f32>>;
#else
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif
#endif

// [step][pixel] and [step][plane][input lane], the latter filled up to whole loads.
var<workgroup> xTile: array<vec4<f32>, ${KP * TX * PX}>;
var<workgroup> wTile: array<vec4<f32>, ${(KP * CP * 4 + TX - 1) / TX * TX * TY}>;

@compute @workgroup_size(${TX}, ${TY})
fn main(
  @builtin(workgroup_id) tile: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let phase = i32(tile.z / u.splits);
  let split = tile.z % u.splits;
  let phaseY = phase / u.outStrideX;
  let phaseX = phase % u.outStrideX;
  let originX = (phaseX + u.leadX) / u.outStrideX - u.shiftX;
  let originY = (phaseY + u.leadY) / u.outStrideY - u.shiftY;
  let gridSize = u.gridWidth * u.gridHeight;
  let planeStep = planeSize(u.x);
  let width = i32(u.x.width);
#if TRIPLES
  let loadSteps = u.tapsX * u.tapsY;
  let allSteps = (loadSteps + 3u) / 4u * 3u;
#else
  let loadSteps = u.tapsX * u.tapsY * u.x.planes;
  let allSteps = loadSteps;
#endif
  let firstStep = split * u.steps;
  let rounds = (min(u.steps, allSteps - firstStep) + ${KP - 1}u) / ${KP}u;

  // The pixels that this invocation loads.
#for p in 0..(PX + TY - 1) / TY
#if TY > PX
  let load${p} = min(tile.x * tilePixels + index % tilePixels, u.pixels - 1u);
#else
  let load${p} = min(tile.x * tilePixels + index + ${p}u * threads, u.pixels - 1u);
#endif
  let top${p} = i32((load${p} % gridSize) / u.gridWidth) * u.inStrideY + originY;
  let left${p} = i32(load${p} % u.gridWidth) * u.inStrideX + originX;
  let first${p} = i32(u.x.offset + (load${p} / gridSize) * u.x.batchStride) + top${p} * width + left${p};
#endfor

  // Where the next step to load stands; the same for the whole workgroup unless it loads several side by side.
#if TRIPLES
  var step = firstStep / 3u * 4u;
#elif TY > PX
  var step = firstStep + index / tilePixels;
#else
  var step = firstStep;
#endif
  var plane = step % u.x.planes;
  var tapX = (step / u.x.planes) % u.tapsX;
  var tapY = step / (u.x.planes * u.tapsX);
  let weightStart = (u32(phase) * u.groups + tile.y) * allSteps;
  let lastWeight = (weightStart + allSteps) * tilePlanes * 4u - 1u;

#for i in 0..PX
#for j in 0..CP
  var acc${i}_${j} = vec4<f32>(0.0);
#endfor
#endfor
#for c in 0..(KP + TRIPLES) / ((TY + PX - 1) / PX)
#for p in 0..(PX + TY - 1) / TY
  var nextX${c}_${p} = vec4<f32>(0.0);
#endfor
#endfor
#for s in 0..(KP * CP * 4 + TX - 1) / TX
  var nextW${s} = vec4<f32>(0.0);
#endfor

  // Round r computes what round r - 1 loaded.
  for (var round = 0u; round <= rounds; round++) {
    if (round > 0u) {
      workgroupBarrier();
#if TRIPLES
#for p in 0..PX / TY
      xTile[${p}u * threads + index] = vec4<f32>(nextX0_${p}.xyz, nextX1_${p}.x);
      xTile[tilePixels + ${p}u * threads + index] = vec4<f32>(nextX1_${p}.yz, nextX2_${p}.xy);
      xTile[2u * tilePixels + ${p}u * threads + index] = vec4<f32>(nextX2_${p}.z, nextX3_${p}.xyz);
#endfor
#else
#for c in 0..KP / ((TY + PX - 1) / PX)
#for p in 0..(PX + TY - 1) / TY
      xTile[${c * ((PX + TY - 1) / TY) + p}u * threads + index] = nextX${c}_${p};
#endfor
#endfor
#endif
#for s in 0..(KP * CP * 4 + TX - 1) / TX
      wTile[${s}u * threads + index] = nextW${s};
#endfor
      workgroupBarrier();
    }

    if (round < rounds) {
      let firstWeight = (weightStart + firstStep + round * ${KP}u) * tilePlanes * 4u + index;
#for s in 0..(KP * CP * 4 + TX - 1) / TX
      // Steps past the end meet zero inputs, so any weight will do.
      nextW${s} = vec4<f32>(weights[min(firstWeight + ${s}u * threads, lastWeight)]);
#endfor
#for c in 0..(KP + TRIPLES) / ((TY + PX - 1) / PX)
      {
        // Steps past the end find no row inside.
        let rows = select(0u, u.x.height, step < loadSteps);
        let fromFirst = i32(tapY) * width + i32(tapX) + i32(plane * planeStep);
#for p in 0..(PX + TY - 1) / TY
        {
          // Negative positions are large ones without a sign: one comparison an axis.
          let inside = (u32(top${p} + i32(tapY)) < rows) & (u32(left${p} + i32(tapX)) < u.x.width);
          let at = select(0u, u32(first${p} + fromFirst), inside);
          nextX${c}_${p} = select(vec4<f32>(0.0), vec4<f32>(x[at]), inside);
        }
#endfor
#if TY > PX
        step += ${TY / PX}u;
        plane += ${TY / PX}u;
        if (plane >= u.x.planes) {
          plane -= u.x.planes;
#else
        step++;
        plane++;
        if (plane == u.x.planes) {
          plane = 0u;
#endif
          tapX++;
          if (tapX == u.tapsX) {
            tapX = 0u;
            tapY++;
          }
        }
      }
#endfor
    }

    if (round > 0u) {
#for c in 0..KP
      {
#for i in 0..PX
        let x${i} = xTile[${c}u * tilePixels + ${i * TX}u + local.x];
#endfor
#for k in 0..4
#for j in 0..CP
        let w${j}_${k} = wTile[(${c}u * tilePlanes + local.y * ${CP}u + ${j}u) * 4u + ${k}u];
#for i in 0..PX
        acc${i}_${j} = fma(w${j}_${k}, vec4<f32>(x${i}[${k}]), acc${i}_${j});
#endfor
#endfor
#endfor
      }
#endfor
    }
  }

#for i in 0..PX
  {
    let pixel = tile.x * tilePixels + ${i * TX}u + local.x;
#if !SPLIT
    let n = pixel / gridSize;
    let outX = u32(i32(pixel % u.gridWidth) * u.outStrideX + phaseX);
    let outY = u32(i32((pixel % gridSize) / u.gridWidth) * u.outStrideY + phaseY);
    let written = (pixel < u.pixels) & (outX < u.y.width) & (outY < u.y.height);
#else
    let written = pixel < u.pixels;
#endif
#for j in 0..CP
    {
      let outPlane = (tile.y * ${TY}u + local.y) * ${CP}u + ${j}u;
      if (written & (outPlane < u.y.planes)) {
#if SPLIT
        partial[(tile.z * u.y.planes + outPlane) * u.pixels + pixel] = acc${i}_${j};
#else
        let slope = vectors[u.y.planes + outPlane];
        let other = residualAt(n, outPlane, outY, outX);
        let value = applyEpilogue(acc${i}_${j} + vectors[outPlane], slope, other);
        y[elementIndex(u.y, n, outPlane, outY, outX)] = Stored4(value);
#endif
      }
    }
#endfor
  }
#endfor
}
