// Evens a map out along the rim where an inner raster ends within an outer one: pixels near it get the mean of what the outer one
// covers about them. One invocation per pixel.
#include "include/layout.wgsl"

struct Uniforms {
  map: View,
  innerView: View,
  outerView: View,
  outputView: View,
  radius: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> map: array<Stored4>;
@group(0) @binding(2) var<storage, read> inner: array<Stored4>;
@group(0) @binding(3) var<storage, read> outer: array<Stored4>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x >= v.width || id.y >= v.height) { return; }
  let firstInner = elementIndex(u.innerView, id.z, 0u, 0u, 0u);
  let firstOuter = elementIndex(u.outerView, id.z, 0u, 0u, 0u);
  let firstMap = elementIndex(u.map, id.z, 0u, 0u, 0u);
  let at = id.y * v.width + id.x;
  let isInner = vec4<f32>(inner[firstInner + at]).w >= 0.0;
  let isOuter = vec4<f32>(outer[firstOuter + at]).w >= 0.0;
  let place = vec2<i32>(id.xy);
  let low = max(place - u.radius, vec2<i32>(0));
  let high = min(place + u.radius, vec2<i32>(vec2<u32>(v.width, v.height)) - 1);

  // The window's corners and the middles of its sides tell whether the rim goes through it.
  let columns = vec3<i32>(low.x, place.x, high.x);
  let rows = vec3<i32>(low.y, place.y, high.y);
  var meets = false;
#for row in 0..3
#for column in 0..3
  {
    let other = u32(rows[${row}]) * v.width + u32(columns[${column}]);
    let otherInner = vec4<f32>(inner[firstInner + other]).w >= 0.0;
    let otherOuter = vec4<f32>(outer[firstOuter + other]).w >= 0.0;
    meets = meets || (otherOuter && otherInner != isInner);
  }
#endfor
#endfor

  // A loop rather than a branch: software adapters skip a loop that no lane enters, but not a branch.
  let last = select(low.y - 1, high.y, meets && isOuter);
  var sum = vec4<f32>();
  var count = 0.0;
  for (var y = low.y; y <= last; y++) {
    for (var x = low.x; x <= high.x; x++) {
      let other = u32(y) * v.width + u32(x);
      let weight = select(0.0, 1.0, vec4<f32>(outer[firstOuter + other]).w >= 0.0);
      sum += weight * vec4<f32>(map[firstMap + other]);
      count += weight;
    }
  }
  let own = vec4<f32>(map[firstMap + at]);
  output[elementIndex(v, id.z, 0u, id.y, id.x)] = Stored4(select(own, sum / max(count, 1.0), count > 0.0));
}
