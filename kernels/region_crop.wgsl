// Cuts an affine region out of a map, bilinearly (docs/front-end.md, region crop). Positions past the outermost pixel
// centres give 0. One invocation: one pixel of the region, all planes.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#include "include/bilinear.wgsl"

struct Uniforms {
  source: View,
  matrix: View,
  destination: View,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Stored4>;
@group(0) @binding(2) var<storage, read> matrix: array<Loaded4>;
@group(0) @binding(3) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.destination.width || id.y >= u.destination.height) { return; }
  let n = id.z;
  let matrixPlace = u.matrix.offset + n * u.matrix.batchStride;
  let m = vec4<f32>(matrix[matrixPlace]);
  let rest = vec4<f32>(matrix[matrixPlace + 1u]);
  let pixel = vec2<f32>(f32(id.x), f32(id.y)) + 0.5;
  let position = vec2<f32>(
    m.x * pixel.x + m.y * pixel.y + m.z,
    m.w * pixel.x + rest.x * pixel.y + rest.y,
  ) - 0.5;
  let limit = vec2<f32>(f32(u.source.width), f32(u.source.height)) - 1.0;
  let inside = all(position >= vec2<f32>(0.0)) && all(position <= limit);
  var sample = bilinearClamped(position, u.source.width, u.source.height);
  sample.weights = select(vec4<f32>(0.0), sample.weights, inside);
  var base = elementIndex(u.source, n, 0u, 0u, 0u);
  var place = elementIndex(u.destination, n, 0u, id.y, id.x);
  for (var plane = 0u; plane < u.source.planes; plane++) {
    var value = vec4<f32>(0.0);
#for corner in 0..4
    value += vec4<f32>(source[base + sample.places[${corner}]]) * sample.weights[${corner}];
#endfor
    destination[place] = Stored4(value);
    base += planeSize(u.source);
    place += planeSize(u.destination);
  }
}
