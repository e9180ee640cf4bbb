// Bandwidth of a shader copy, both directions counted: each invocation moves VECTORS vec4s.
#param VECTORS

struct Uniforms {
  invocations: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> destination: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Neighbouring lanes move neighbouring elements in each of the copies.
#for i in 0..VECTORS
  destination[id.x + ${i}u * u.invocations] = source[id.x + ${i}u * u.invocations];
#endfor
}
