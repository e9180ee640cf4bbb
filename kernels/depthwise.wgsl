// Depthwise convolution: each invocation walks down a strip of PX outputs of one plane, so that weights are loaded once
// for the strip and an input once for all the taps that it meets. Per step of the walk SY rows of inputs come in, each
// adding to the RING rows of outputs whose windows hold it; one row of outputs is then complete. A loop, because drivers
// that run on the CPU take seconds to compile long straight code with many loads.
#param PX
#param RING
#param KX
#param KY
#param SX
#param SY
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/grid.wgsl"
#include "include/epilogue.wgsl"

struct Uniforms {
  x: View,
  y: View,
#if RESIDUAL > 0
  residual: View,
#endif
  // Strips side by side in a map, strips in a plane, and in all planes of all batch entries.
  stripsX: u32,
  strips: u32,
  invocations: u32,
  // Outputs of a strip from top to bottom.
  rows: u32,
  padX: i32,
  padY: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<Loaded4>;
// [plane][tap]
@group(0) @binding(2) var<storage, read> weights: array<Stored4>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> y: array<Stored4>;
#if RESIDUAL > 0
@group(0) @binding(5) var<storage, read> residual: array<Stored4>;
#endif

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  // Lanes go on into the next plane: small maps would leave most of a workgroup idle. Invocations past the end repeat
  // the last strip and write the same values.
  let index = min(linearIndex(group, groups, local), u.invocations - 1u);
  let strip = index % u.strips;
  let planes = u.y.planes;
  let plane = (index / u.strips) % planes;
  let n = index / (u.strips * planes);
  let firstRow = i32((strip / u.stripsX) * u.rows);
  let column = (strip % u.stripsX) * ${PX}u;
  let width = i32(u.x.width);
  let height = i32(u.x.height);
  let left = i32(column) * ${SX} - u.padX;

  // Inputs outside count nothing.
  let inStart = elementIndex(u.x, n, plane, 0u, 0u);
#for i in 0..(PX - 1) * SX + KX
  let mask${i} = select(0.0, 1.0, (left + ${i} >= 0) & (left + ${i} < width));
  let column${i} = inStart + u32(clamp(left + ${i}, 0, width - 1));
#endfor
  let firstWeight = plane * ${KX * KY}u;
#for t in 0..KX * KY
  let w${t} = vec4<f32>(weights[firstWeight + ${t}u]);
#endfor
  let bias = vectors[plane];
  let slope = vectors[planes + plane];
  let outWidth = u.y.width;
  let outStart = elementIndex(u.y, n, plane, 0u, 0u);
#for i in 0..PX
  let outX${i} = min(column + ${i}u, outWidth - 1u);
#endfor
#for a in 0..RING
#for i in 0..PX
  var acc${a}_${i} = bias;
#endfor
#endfor

  let endRow = min(firstRow + i32(u.rows), i32(u.y.height));
  // acc0 is the row of outputs that the step completes; the first steps complete rows above the strip.
  for (var row = firstRow - ${RING - 1}; row < endRow; row++) {
    let top = (row + ${RING - 1}) * ${SY} - u.padY;
#for s in 0..SY
    {
      let inY = top + ${s};
      let rowMask = select(0.0, 1.0, (inY >= 0) & (inY < height));
      let rowStart = u32(clamp(inY, 0, height - 1) * width);
#for i in 0..(PX - 1) * SX + KX
      let x${i} = vec4<f32>(x[rowStart + column${i}]) * (mask${i} * rowMask);
#endfor
#for a in 0..RING
#if s + SY * (RING - 1 - a) < KY
#for i in 0..PX
#for t in 0..KX
      acc${a}_${i} = fma(w${(s + SY * (RING - 1 - a)) * KX + t}, x${i * SX + t}, acc${a}_${i});
#endfor
#endfor
#endif
#endfor
    }
#endfor
    if (row >= firstRow) {
      let outY = u32(row) * outWidth;
      // Columns past the edge come first and are overwritten by the last one.
#for i in 0..PX
      {
        let at = outY + outX${PX - 1 - i};
        let other = residualAt(n, plane, u32(row), outX${PX - 1 - i});
        y[outStart + at] = Stored4(applyEpilogue(acc0_${PX - 1 - i}, slope, other));
      }
#endfor
    }
#for i in 0..PX
#for a in 0..RING - 1
    acc${a}_${i} = acc${a + 1}_${i};
#endfor
    acc${RING - 1}_${i} = bias;
#endfor
  }
}
