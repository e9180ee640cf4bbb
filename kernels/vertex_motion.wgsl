// What the flow says at the vertices of a mesh, beyond the difference of two meshes: the bilinear mean of the covered
// pixels about each vertex. 0 at vertices that are not seen: little face about them, or the surface lies nearer.
// One invocation: one vertex.
#param MESHES   // 1, or 2: the difference of the second mesh from the first is subtracted
#param WHOLE    // and added again afterwards: what is not seen moves as the meshes say
#param BESIDE   // planes before the motion, of channels that are affine functions of the vertex's places
#include "include/layout.wgsl"
#include "include/bilinear.wgsl"

struct Uniforms {
  flow: View,
  fragments: View,
#for m in 0..MESHES
  view${m}: View,
#endfor
  outputView: View,
  scale: f32,
  leastCover: f32,
  tolerance: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> flow: array<Stored4>;
@group(0) @binding(2) var<storage, read> fragments: array<Stored4>;
#for m in 0..MESHES
@group(0) @binding(${3 + m}) var<storage, read> mesh${m}: array<Stored4>;
#endfor
@group(0) @binding(5) var<storage, read_write> output: array<Stored4>;
#if BESIDE
// Per channel: weights of x, y, z of the first mesh and the offset; then the same of the second mesh.
@group(0) @binding(6) var<storage, read> rows: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= u.outputView.width) { return; }
#for m in 0..MESHES
  let at${m} = vec4<f32>(mesh${m}[elementIndex(u.view${m}, id.z, 0u, 0u, id.x)]).xyz;
#endfor
  let sample = bilinearZero(at0.xy - 0.5, u.flow.width, u.flow.height);
  let firstFlow = elementIndex(u.flow, id.z, 0u, 0u, 0u);
  let firstFragment = elementIndex(u.fragments, id.z, 0u, 0u, 0u);
  // Flow and depth.
  var sum = vec4<f32>();
  var cover = 0.0;
#for corner in 0..4
  {
    let place = sample.places[${corner}];
    let fragment = vec4<f32>(fragments[firstFragment + place]);
    let weight = select(0.0, sample.weights[${corner}], fragment.w >= 0.0);
    sum += weight * vec4<f32>(vec4<f32>(flow[firstFlow + place]).xyz, fragment.x);
    cover += weight;
  }
#endfor
  let mean = sum / max(cover, u.leastCover);
  let seen = cover >= u.leastCover && at0.z - mean.w < u.tolerance;
#if MESHES == 2
  let beyond = mean.xyz - (at1 - at0);
#else
  let beyond = mean.xyz;
#endif
#if WHOLE
  let value = (at1 - at0) * u.scale + select(vec3<f32>(), beyond * u.scale, seen);
#else
  let value = select(vec3<f32>(), beyond * u.scale, seen);
#endif
  output[elementIndex(u.outputView, id.z, ${BESIDE}u, 0u, id.x)] = Stored4(vec4<f32>(value, 0.0));
#for plane in 0..BESIDE
  {
    var beside = vec4<f32>();
    for (var lane = 0u; lane < 4u; lane++) {
      let row = (${plane * 4}u + lane) * ${MESHES}u;
#for m in 0..MESHES
      beside[lane] += dot(rows[row + ${m}u], vec4<f32>(at${m}, 1.0));
#endfor
    }
    output[elementIndex(u.outputView, id.z, ${plane}u, 0u, id.x)] = Stored4(beside);
  }
#endfor
}
