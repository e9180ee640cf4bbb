// Per-vertex attributes -> pixels: the barycentric mean over the triangle that owns the pixel, 0 where none does.
// Written as last + weight * difference, so that an attribute that is the same at all corners comes out exactly.
// One invocation per `rows` pixels of a column, all planes: software adapters spend much on reading uniforms.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#param CONSTANT   // attributes come from a packed table ([plane][vertex]) instead of a tensor

struct Uniforms {
  fragments: View,
  outputView: View,
#if !CONSTANT
  attributes: View,
#endif
  rows: u32,
#if CONSTANT
  vertices: u32,
#endif
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(2) var<storage, read> triangles: array<vec4<u32>>;
#if CONSTANT
@group(0) @binding(3) var<storage, read> attributes: array<vec4<f32>>;
#else
@group(0) @binding(3) var<storage, read> attributes: array<Loaded4>;
#endif
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width) {
#if CONSTANT
    let vertices = u.vertices;
    let firstAttribute = 0u;
#else
    let vertices = u.attributes.width;
    // One set of attributes may serve all batch entries.
    let firstAttribute = u.attributes.offset + min(id.z, u.attributes.batches - 1u) * u.attributes.batchStride;
#endif
    let size = planeSize(v);
    let planes = v.planes;
    let firstRow = id.y * u.rows;
    var source = elementIndex(u.fragments, id.z, 0u, firstRow, id.x);
    var place = elementIndex(v, id.z, 0u, firstRow, id.x);
    for (var y = firstRow; y < min(firstRow + u.rows, v.height); y++) {
      let fragment = vec4<f32>(fragments[source]);
      // Loops rather than branches: software adapters skip a loop that no lane enters, but not a branch.
      let covered = select(0u, planes, fragment.w >= 0.0);
      for (var plane = 0u; plane < covered; plane++) {
        let corners = triangles[u32(fragment.w)] + firstAttribute + plane * vertices;
        let c = vec4<f32>(attributes[corners.z]);
        let a = vec4<f32>(attributes[corners.x]) - c;
        let b = vec4<f32>(attributes[corners.y]) - c;
        output[place + plane * size] = Stored4(c + fragment.y * a + fragment.z * b);
      }
      for (var plane = covered; plane < planes; plane++) {
        output[place + plane * size] = Stored4(vec4<f32>(0.0));
      }
      source += v.width;
      place += v.width;
    }
  }
}
