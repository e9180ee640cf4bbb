// Per-vertex attributes -> pixels: the barycentric mean over the triangle that owns the pixel, 0 where none does.
// Written as last + weight * difference, so that an attribute that is the same at all corners comes out exactly.
// One invocation per pixel, all planes.
#include "include/layout.wgsl"
#param CONSTANT   // attributes come from a packed table ([plane][vertex]) instead of a tensor

struct Uniforms {
  fragments: View,
  outputView: View,
#if CONSTANT
  vertices: u32,
#else
  attributes: View,
#endif
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(2) var<storage, read> triangles: array<vec4<u32>>;
#if CONSTANT
@group(0) @binding(3) var<storage, read> attributes: array<vec4<f32>>;
#else
@group(0) @binding(3) var<storage, read> attributes: array<Stored4>;
#endif
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;

fn attributeAt(n: u32, plane: u32, vertex: u32) -> vec4<f32> {
#if CONSTANT
  return attributes[plane * u.vertices + vertex];
#else
  // One set of attributes may serve all batch entries.
  let entry = min(n, u.attributes.batches - 1u);
  return vec4<f32>(attributes[elementIndex(u.attributes, entry, plane, 0u, vertex)]);
#endif
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width && id.y < v.height) {
    let fragment = vec4<f32>(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)]);
    var at = elementIndex(v, id.z, 0u, id.y, id.x);
    // Loops rather than branches: software adapters skip a loop that no lane enters, but not a branch.
    let covered = select(0u, v.planes, fragment.w >= 0.0);
    for (var plane = 0u; plane < covered; plane++) {
      let corners = triangles[u32(fragment.w)];
      let c = attributeAt(id.z, plane, corners.z);
      let a = attributeAt(id.z, plane, corners.x) - c;
      let b = attributeAt(id.z, plane, corners.y) - c;
      output[at] = Stored4(c + fragment.y * a + fragment.z * b);
      at += planeSize(v);
    }
    for (var plane = covered; plane < v.planes; plane++) {
      output[at] = Stored4(vec4<f32>(0.0));
      at += planeSize(v);
    }
  }
}
