// A flow whose dz is changed by a value per vertex, spread over the pixels as interpolate.wgsl spreads attributes.
// Values come as a fully connected layer leaves them: channel i of one pixel is vertex i.
// One invocation per `rows` pixels of a column: software adapters spend much on reading uniforms.
#include "include/layout.wgsl"
#param FURTHER   // the values of further vertices, behind those of the first, come in a list of their own
#param DENSE   // writes N x H x W x 3 floats in place of a tensor

struct Uniforms {
  flow: View,
  fragments: View,
  values: View,
#if FURTHER
  further: View,
#endif
#if !DENSE
  outputView: View,
#endif
  rows: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(3) var<storage, read> triangles: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> values: array<Stored4>;
#if DENSE
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
#else
@group(0) @binding(5) var<storage, read_write> output: array<Stored4>;
#endif
#if FURTHER
@group(0) @binding(6) var<storage, read> further: array<Stored4>;
#endif

// Where the values of a batch entry begin.
struct Lists {
  values: u32,
#if FURTHER
  further: u32,
  count: u32,
#endif
}

fn valueAt(lists: Lists, vertex: u32) -> f32 {
#if FURTHER
  let own = min(vertex, lists.count - 1u);
  let other = max(vertex, lists.count) - lists.count;
  return select(
    f32(further[lists.further + (other >> 2u)][other & 3u]),
    f32(values[lists.values + (own >> 2u)][own & 3u]),
    vertex < lists.count);
#else
  return f32(values[lists.values + (vertex >> 2u)][vertex & 3u]);
#endif
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.flow;
  if (id.x < v.width) {
    var lists: Lists;
    lists.values = elementIndex(u.values, id.z, 0u, 0u, 0u);
#if FURTHER
    lists.further = elementIndex(u.further, id.z, 0u, 0u, 0u);
    lists.count = u.values.channels;
#endif
    let firstRow = id.y * u.rows;
    var source = elementIndex(u.flow, id.z, 0u, firstRow, id.x);
    var fragmentPlace = elementIndex(u.fragments, id.z, 0u, firstRow, id.x);
#if DENSE
    var place = ((id.z * v.height + firstRow) * v.width + id.x) * 3u;
#else
    var place = elementIndex(u.outputView, id.z, 0u, firstRow, id.x);
#endif
    for (var y = firstRow; y < min(firstRow + u.rows, v.height); y++) {
      let fragment = vec4<f32>(fragments[fragmentPlace]);
      var moved = vec4<f32>(flow[source]);
      // A loop rather than a branch: software adapters skip a loop that no lane enters, but not a branch.
      for (var covered = fragment.w >= 0.0; covered; covered = false) {
        let corners = triangles[u32(fragment.w)];
        let c = valueAt(lists, corners.z);
        let a = valueAt(lists, corners.x) - c;
        let b = valueAt(lists, corners.y) - c;
        moved.z += u.scale * (c + fragment.y * a + fragment.z * b);
      }
#if DENSE
      output[place] = moved.x;
      output[place + 1u] = moved.y;
      output[place + 2u] = moved.z;
      place += v.width * 3u;
#else
      output[place] = Stored4(moved);
      place += v.width;
#endif
      source += v.width;
      fragmentPlace += v.width;
    }
  }
}
