// What the variational refinement reads of a pixel: grey level of the source, grey level of the target where the flow
// leads, and the flow (dx = OFF_FACE where no triangle is). Each workgroup also leaves the sums over its pixels of the face
// that means and variances of both pictures are made of: two vec4s.
// One invocation: one pixel.
#include "include/layout.wgsl"
#include "include/bilinear.wgsl"
#include "include/variational.wgsl"

struct Uniforms {
  flow: View,
  source: View,
  goal: View,
  fragments: View,
  // Grey levels per unit of the three channels.
  grey: vec4<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> source: array<Stored4>;
@group(0) @binding(3) var<storage, read> goal: array<Stored4>;
@group(0) @binding(4) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(5) var<storage, read_write> samples: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> sums: array<vec4<f32>>;

// Grey levels of source and target, 1; all 0 off the face.
var<workgroup> levels: array<vec3<f32>, 64>;

@compute @workgroup_size(8, 8)
fn main(
  @builtin(global_invocation_id) id: vec3<u32>,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let size = vec2<u32>(u.flow.width, u.flow.height);
  let last = size - 1u;
  // Invocations past the map repeat its last pixel, and count for nothing.
  let place = min(id.xy, last);
  let inside = all(id.xy <= last);
  let displacement = vec4<f32>(flow[elementIndex(u.flow, id.z, 0u, place.y, place.x)]).xy;
  let covered = f32(fragments[elementIndex(u.fragments, id.z, 0u, place.y, place.x)].w) >= 0.0;
  let a = dot(vec4<f32>(source[elementIndex(u.source, id.z, 0u, place.y, place.x)]).xyz, u.grey.xyz);
  let sample = bilinearClamped(vec2<f32>(place) + displacement, size.x, size.y);
  let base = elementIndex(u.goal, id.z, 0u, 0u, 0u);
  var colour = vec3<f32>();
#for corner in 0..4
  colour += vec4<f32>(goal[base + sample.places[${corner}]]).xyz * sample.weights[${corner}];
#endfor
  let b = dot(colour, u.grey.xyz);
  if (inside) {
    let shown = select(OFF_FACE, displacement.x, covered);
    samples[(id.z * size.y + id.y) * size.x + id.x] = vec4<f32>(a, b, shown, displacement.y);
  }
  levels[local] = select(vec3<f32>(), vec3<f32>(a, b, 1.0), covered && inside);
  workgroupBarrier();
  if (local == 0u) {
    var sum = vec3<f32>();
    var squares = vec2<f32>();
    for (var i = 0u; i < 64u; i++) {
      let level = levels[i];
      sum += level;
      squares += level.xy * level.xy;
    }
    let part = (group.z * groups.y + group.y) * groups.x + group.x;
    sums[2u * part] = vec4<f32>(sum, 0.0);
    sums[2u * part + 1u] = vec4<f32>(squares, 0.0, 0.0);
  }
}
