// Vertices -> per-vertex channels: each channel is a constant of the vertex plus an affine function of its position in
// one or two meshes. One invocation per vertex, plane and batch entry.
#include "include/layout.wgsl"
#param MESHES   // 1 or 2
#param FLAT     // meshes come as n x 1 x 1 x 3V (x, y, z of vertex 0, then of vertex 1, ...) instead of n x 1 x V x 3
#param GATHER0  // output vertex i is vertex order0[i] of the first mesh
#param GATHER1  // and order1[i] of the second
#param TABLE    // there are constants per vertex

struct Uniforms {
#for m in 0..MESHES
  view${m}: View,
#endfor
  outputView: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
#for m in 0..MESHES
@group(0) @binding(${1 + m}) var<storage, read> mesh${m}: array<Stored4>;
#endfor
// Per channel: weights of x, y, z of the first mesh and the offset; then the same of the second mesh.
@group(0) @binding(3) var<storage, read> rows: array<vec4<f32>>;
#if GATHER0
@group(0) @binding(4) var<storage, read> order0: array<u32>;
#endif
#if GATHER1
@group(0) @binding(7) var<storage, read> order1: array<u32>;
#endif
#if TABLE
// [plane][vertex]
@group(0) @binding(5) var<storage, read> constants: array<vec4<f32>>;
#endif
@group(0) @binding(6) var<storage, read_write> output: array<Stored4>;

// Position in mesh m, and 1 for the offset. A mesh of batch 1 serves all batch entries.
#for m in 0..MESHES
fn position${m}(n: u32, vertex: u32) -> vec4<f32> {
  let v = u.view${m};
  let entry = min(n, v.batches - 1u);
#if FLAT
  var position = vec4<f32>(1.0);
  for (var axis = 0u; axis < 3u; axis++) {
    let channel = vertex * 3u + axis;
    position[axis] = f32(mesh${m}[elementIndex(v, entry, channel >> 2u, 0u, 0u)][channel & 3u]);
  }
  return position;
#else
  return vec4<f32>(vec4<f32>(mesh${m}[elementIndex(v, entry, 0u, 0u, vertex)]).xyz, 1.0);
#endif
}
#endfor

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width) {
#if GATHER0
    let at0 = position0(id.z, order0[id.x]);
#else
    let at0 = position0(id.z, id.x);
#endif
#if MESHES > 1 && GATHER1
    let at1 = position1(id.z, order1[id.x]);
#elif MESHES > 1
    let at1 = position1(id.z, id.x);
#endif
    var value = vec4<f32>(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
      let row = (id.y * 4u + lane) * ${MESHES}u;
#for m in 0..MESHES
      value[lane] += dot(rows[row + ${m}u], at${m});
#endfor
    }
#if TABLE
    value += constants[id.y * v.width + id.x];
#endif
    output[elementIndex(v, id.z, id.y, 0u, id.x)] = Stored4(value);
  }
}
