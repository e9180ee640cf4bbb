// Winograd, step 2 of 3 on GPUs: the products of winograd_multiply.wgsl, with operands that go through workgroup memory
// in the manner of conv_gemm.wgsl. A workgroup of TX x TY invocations computes TX * PX tiles x TY * CP planes of one
// position in rounds of KP input planes; the next round's operands are loaded while this one is computed.
#param TX
#param TY
#param PX
#param CP
#param KP

const threads = ${TX * TY}u;
const groupTiles = ${TX * PX}u;
const groupPlanes = ${TY * CP}u;

struct Uniforms {
  tiles: u32,
  inPlanes: u32,
  outPlanes: u32,
  groups: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
// [position][plane][tile]
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
// [position][group of planes][input plane][plane of the group][input lane]
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4<f32>>;

// [input plane][tile] and [input plane][plane][input lane], the latter filled up to whole loads.
var<workgroup> inputTile: array<vec4<f32>, ${KP * TX * PX}>;
var<workgroup> weightTile: array<vec4<f32>, ${(KP * CP * 4 + TX - 1) / TX * TX * TY}>;

@compute @workgroup_size(${TX}, ${TY})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let firstTile = group.x * groupTiles;
  let firstRow = group.z * u.inPlanes;
  let rounds = (u.inPlanes + ${KP - 1}u) / ${KP}u;
  let firstWeight = (group.z * u.groups + group.y) * u.inPlanes * groupPlanes * 4u;
  let lastWeight = firstWeight + u.inPlanes * groupPlanes * 4u - 1u;

#for i in 0..PX
#for j in 0..CP
  var acc${i}_${j} = vec4<f32>(0.0);
#endfor
#endfor
#for s in 0..KP * PX / TY
  var nextInput${s} = vec4<f32>(0.0);
#endfor
#for s in 0..(KP * CP * 4 + TX - 1) / TX
  var nextWeight${s} = vec4<f32>(0.0);
#endfor

  // Round r computes what round r - 1 loaded.
  for (var round = 0u; round <= rounds; round++) {
    if (round > 0u) {
      workgroupBarrier();
#for s in 0..KP * PX / TY
      inputTile[${s}u * threads + index] = nextInput${s};
#endfor
#for s in 0..(KP * CP * 4 + TX - 1) / TX
      weightTile[${s}u * threads + index] = nextWeight${s};
#endfor
      workgroupBarrier();
    }

    if (round < rounds) {
#for s in 0..KP * PX / TY
      {
        let at = ${s}u * threads + index;
        let plane = round * ${KP}u + at / groupTiles;
        let tile = min(firstTile + at % groupTiles, u.tiles - 1u);
        // Planes past the end count nothing; tiles past the end are not written.
        let value = inputs[(firstRow + min(plane, u.inPlanes - 1u)) * u.tiles + tile];
        nextInput${s} = select(vec4<f32>(0.0), value, plane < u.inPlanes);
      }
#endfor
      let weight = firstWeight + round * ${KP}u * groupPlanes * 4u + index;
#for s in 0..(KP * CP * 4 + TX - 1) / TX
      nextWeight${s} = weights[min(weight + ${s}u * threads, lastWeight)];
#endfor
    }

    if (round > 0u) {
#for c in 0..KP
      {
#for i in 0..PX
        let x${i} = inputTile[${c}u * groupTiles + ${i * TX}u + local.x];
#endfor
#for k in 0..4
#for j in 0..CP
        let w${j}_${k} = weightTile[(${c}u * groupPlanes + local.y * ${CP}u + ${j}u) * 4u + ${k}u];
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
    let tile = firstTile + ${i * TX}u + local.x;
#for j in 0..CP
    {
      let plane = group.y * groupPlanes + local.y * ${CP}u + ${j}u;
      if ((tile < u.tiles) & (plane < u.outPlanes)) {
        products[(group.z * u.outPlanes + plane) * u.tiles + tile] = acc${i}_${j};
      }
    }
#endfor
  }
#endfor
}
