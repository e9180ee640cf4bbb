// value * scale where a triangle owns the pixel, 0 elsewhere. One invocation per pixel, all planes.
// IN_PLACE: `source` is `output` itself.
#include "include/layout.wgsl"
#include "include/loaded.wgsl"
#param IN_PLACE

struct Uniforms {
  source: View,
  fragments: View,
  outputView: View,
  scale: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> fragments: array<Loaded4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;
#if !IN_PLACE
@group(0) @binding(3) var<storage, read> source: array<Stored4>;
#endif

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width && id.y < v.height) {
    let covered = vec4<f32>(fragments[elementIndex(u.fragments, id.z, 0u, id.y, id.x)]).w >= 0.0;
    for (var plane = 0u; plane < v.planes; plane++) {
      let place = elementIndex(v, id.z, plane, id.y, id.x);
#if IN_PLACE
      let value = vec4<f32>(output[place]);
#else
      let value = vec4<f32>(source[elementIndex(u.source, id.z, plane, id.y, id.x)]);
#endif
      output[place] = Stored4(select(vec4<f32>(0.0), value * u.scale, covered));
    }
  }
}
