// A flow and the motion of a mesh's vertices beyond it, spread over the pixels as interpolate.wgsl spreads attributes.
// One invocation per `rows` pixels of a column: software adapters spend much on reading uniforms.
#include "include/layout.wgsl"
#param DEPTH   // the motion is dz alone, as a fully connected layer leaves it: channel i of one pixel is vertex i
#param FURTHER   // with DEPTH: the motion of further vertices, behind those of the first, comes in a list of their own
#param DENSE   // writes N x H x W x 3 floats in place of a tensor

struct Uniforms {
  flow: View,
  fragments: View,
  motion: View,
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
@group(0) @binding(4) var<storage, read> motion: array<Stored4>;
#if DENSE
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
#else
@group(0) @binding(5) var<storage, read_write> output: array<Stored4>;
#endif
#if FURTHER
@group(0) @binding(6) var<storage, read> further: array<Stored4>;
#endif

#if DEPTH
alias Motion = f32;
#else
// (dx, dy, dz) and a lane of padding.
alias Motion = vec4<f32>;
#endif

// Where the vertices of a batch entry begin.
struct Lists {
  motion: u32,
#if FURTHER
  further: u32,
  count: u32,
#endif
}

fn motionOf(lists: Lists, vertex: u32) -> Motion {
#if DEPTH
#if FURTHER
  let own = min(vertex, lists.count - 1u);
  let other = max(vertex, lists.count) - lists.count;
  return select(
    f32(further[lists.further + (other >> 2u)][other & 3u]),
    f32(motion[lists.motion + (own >> 2u)][own & 3u]),
    vertex < lists.count);
#else
  return f32(motion[lists.motion + (vertex >> 2u)][vertex & 3u]);
#endif
#else
  return vec4<f32>(motion[lists.motion + vertex]);
#endif
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.flow;
  if (id.x < v.width) {
    var lists: Lists;
    lists.motion = elementIndex(u.motion, id.z, 0u, 0u, 0u);
#if FURTHER
    lists.further = elementIndex(u.further, id.z, 0u, 0u, 0u);
    lists.count = u.motion.channels;
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
        let c = motionOf(lists, corners.z);
        let a = motionOf(lists, corners.x) - c;
        let b = motionOf(lists, corners.y) - c;
#if DEPTH
        moved.z += u.scale * (c + fragment.y * a + fragment.z * b);
#else
        moved += u.scale * (c + fragment.y * a + fragment.z * b);
#endif
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
