// Evens a map out along the rim between the first triangles of a raster and the rest of them: pixels near it get the mean of what
// the raster covers about them. One invocation per pixel.
#include "include/layout.wgsl"

struct Uniforms {
  map: View,
  fragments: View,
  outputView: View,
  radius: i32,
  // How many triangles are the first ones.
  first: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> map: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x >= v.width || id.y >= v.height) { return; }
  let firstFragment = elementIndex(u.fragments, id.z, 0u, 0u, 0u);
  let firstMap = elementIndex(u.map, id.z, 0u, 0u, 0u);
  let at = id.y * v.width + id.x;
  let triangle = f32(fragments[firstFragment + at].w);
  let place = vec2<i32>(id.xy);
  let low = max(place - u.radius, vec2<i32>(0));
  let high = min(place + u.radius, vec2<i32>(vec2<u32>(v.width, v.height)) - 1);

  // The corners tell whether the rim goes through the square.
  let corners = vec4<f32>(
    f32(fragments[firstFragment + u32(low.y) * v.width + u32(low.x)].w),
    f32(fragments[firstFragment + u32(low.y) * v.width + u32(high.x)].w),
    f32(fragments[firstFragment + u32(high.y) * v.width + u32(low.x)].w),
    f32(fragments[firstFragment + u32(high.y) * v.width + u32(high.x)].w));
  let across = (corners < vec4<f32>(u.first)) != vec4<bool>(triangle < u.first);
  let meets = triangle >= 0.0 && any(across & (corners >= vec4<f32>(0.0)));

  // A loop rather than a branch: software adapters skip a loop that no lane enters, but not a branch.
  let last = select(low.y - 1, high.y, meets);
  var sum = vec4<f32>();
  var count = 0.0;
  for (var y = low.y; y <= last; y++) {
    for (var x = low.x; x <= high.x; x++) {
      let other = u32(y) * v.width + u32(x);
      let weight = select(0.0, 1.0, f32(fragments[firstFragment + other].w) >= 0.0);
      sum += weight * vec4<f32>(map[firstMap + other]);
      count += weight;
    }
  }
  let own = vec4<f32>(map[firstMap + at]);
  output[elementIndex(v, id.z, 0u, id.y, id.x)] = Stored4(select(own, sum / max(count, 1.0), count > 0.0));
}
