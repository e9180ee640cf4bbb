// Winograd, step 2 of 3 on adapters that run on the CPU: for each of the 36 positions, products = weights * inputs,
// a matrix product [output channel][input channel] x [input channel][tile]. Register tile of PX tiles x COP planes;
// see conv_direct.wgsl for SUBGROUP.
#param SUBGROUP
#param PX
#param COP
#param WG
#if SUBGROUP > 0
enable subgroups;
#endif

struct Uniforms {
  tiles: u32,
  inPlanes: u32,
  outPlanes: u32,
  groups: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
// [position][plane][tile]
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
// [position][group of COP planes][input plane] 4x4 blocks
#if SUBGROUP > 0
@group(0) @binding(2) var<storage, read> weights: array<vec4<f32>>;
#else
@group(0) @binding(2) var<storage, read> weights: array<mat4x4<f32>>;
#endif
@group(0) @binding(3) var<storage, read_write> products: array<vec4<f32>>;

@compute @workgroup_size(${WG})
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
#if SUBGROUP > 0
  @builtin(subgroup_invocation_id) lane: u32,
#endif
) {
  let group = id.y;
  let position = id.z;
  // Tiles past the end repeat the last one and write the same values.
#for i in 0..PX
  let tile${i} = min(id.x * ${PX}u + ${i}u, u.tiles - 1u);
#endfor
#for i in 0..PX
#for j in 0..COP
  var acc${i}_${j} = vec4<f32>(0.0);
#endfor
#endfor
#if SUBGROUP > 0
  var next = (position * u.groups + group) * u.inPlanes * ${COP * 4}u + lane;
#else
  var next = (position * u.groups + group) * u.inPlanes * ${COP}u;
#endif
  let firstRow = position * u.inPlanes;
  for (var plane = 0u; plane < u.inPlanes; plane++) {
    let row = (firstRow + plane) * u.tiles;
#for i in 0..PX
    let x${i} = inputs[row + tile${i}];
#endfor
#if SUBGROUP > 0
#for s in 0..COP * 4 / SUBGROUP
    let share${s} = weights[next + ${s * SUBGROUP}u];
#endfor
#endif
#for j in 0..COP
    {
#if SUBGROUP > 0
#for k in 0..4
#if SUBGROUP == 8
      let w${k} = subgroupShuffle(share${(j * 4 + k) / SUBGROUP}, ${(j * 4 + k) % SUBGROUP}u);
#else
      let w${k} = subgroupBroadcast(share${(j * 4 + k) / SUBGROUP}, ${(j * 4 + k) % SUBGROUP}u);
#endif
#endfor
#else
      let w = weights[next + ${j}u];
#for k in 0..4
      let w${k} = w[${k}];
#endfor
#endif
#for k in 0..4
#for i in 0..PX
      acc${i}_${j} = fma(w${k}, vec4<f32>(x${i}[${k}]), acc${i}_${j});
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
  // Planes past the end come first and are overwritten by the last plane.
#for k in 0..COP
  {
    let row = (position * u.outPlanes + min(group * ${COP}u + ${COP - 1 - k}u, u.outPlanes - 1u)) * u.tiles;
#for i in 0..PX
    products[row + tile${i}] = acc${i}_${COP - 1 - k};
#endfor
  }
#endfor
}
