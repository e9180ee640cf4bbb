// Samples a map bilinearly over a region (see region_transform.wgsl). One invocation: one vec4 of the output.
// Sample points beyond the outermost pixel centres give 0.
#include "include/layout.wgsl"

struct Uniforms {
  source: View,
  placement: View,
  destination: View,
  // Pixels of the map per unit of the placement.
  scale: vec2<f32>,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read> placement: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.destination;
  if (id.x >= v.width || id.y >= v.height) { return; }
  let plane = id.z % v.planes;
  let n = id.z / v.planes;
  let unit = vec3<f32>((f32(id.x) + 0.5) / f32(v.width), (f32(id.y) + 0.5) / f32(v.height), 1.0);
  let rowX = vec4<f32>(placement[elementIndex(u.placement, n, 0u, 0u, 0u)]);
  let rowY = vec4<f32>(placement[elementIndex(u.placement, n, 1u, 0u, 0u)]);
  let point = vec2<f32>(dot(rowX.xyz, unit), dot(rowY.xyz, unit)) * u.scale - 0.5;
  let last = vec2<f32>(f32(u.source.width - 1u), f32(u.source.height - 1u));
  var value = vec4<f32>(0.0);
  if (all(point >= vec2<f32>(0.0)) && all(point <= last)) {
    let left = u32(point.x);
    let top = u32(point.y);
    let right = min(left + 1u, u.source.width - 1u);
    let base = elementIndex(u.source, n, plane, 0u, 0u);
    let upper = base + top * u.source.width;
    let lower = base + min(top + 1u, u.source.height - 1u) * u.source.width;
    let part = fract(point);
    let above = mix(vec4<f32>(source[upper + left]), vec4<f32>(source[upper + right]), part.x);
    let below = mix(vec4<f32>(source[lower + left]), vec4<f32>(source[lower + right]), part.x);
    value = mix(above, below, part.y);
  }
  destination[elementIndex(v, n, plane, id.y, id.x)] = Stored4(value);
}
