// Per-vertex attributes -> pixels: the barycentric mean over the triangle that owns the pixel, 0 where none does.
// FRONT: fragments of triangles with a number below `firstTriangle`, and of none, keep what stands in another map.
// Written as last + weight * difference, so that an attribute that is the same at all corners comes out exactly.
// One invocation per `rows` pixels of a column, all planes: software adapters spend much on reading uniforms.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#param CONSTANT   // attributes come from a packed table ([plane][vertex]) instead of a tensor
#param FRONT

struct Uniforms {
  fragments: View,
  outputView: View,
#if !CONSTANT
  attributes: View,
#endif
#if FRONT
  front: View,
#endif
  rows: u32,
  // Number of the first triangle of the list in the fragments.
  firstTriangle: f32,
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
#if FRONT
@group(0) @binding(5) var<storage, read> front: array<Stored4>;
#endif

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
#if FRONT
    var frontPlace = elementIndex(u.front, id.z, 0u, firstRow, id.x);
#endif
    for (var y = firstRow; y < min(firstRow + u.rows, v.height); y++) {
      let fragment = vec4<f32>(fragments[source]);
      // Loops rather than branches: software adapters skip a loop that no lane enters, but not a branch.
      let covered = select(0u, planes, fragment.w >= u.firstTriangle);
      for (var plane = 0u; plane < covered; plane++) {
        let corners = triangles[u32(fragment.w - u.firstTriangle)] + firstAttribute + plane * vertices;
        let c = vec4<f32>(attributes[corners.z]);
        let a = vec4<f32>(attributes[corners.x]) - c;
        let b = vec4<f32>(attributes[corners.y]) - c;
        output[place + plane * size] = Stored4(c + fragment.y * a + fragment.z * b);
      }
      for (var plane = covered; plane < planes; plane++) {
#if FRONT
        output[place + plane * size] = front[frontPlace + plane * size];
#else
        output[place + plane * size] = Stored4(vec4<f32>(0.0));
#endif
      }
#if FRONT
      frontPlace += v.width;
#endif
      source += v.width;
      place += v.width;
    }
  }
}
