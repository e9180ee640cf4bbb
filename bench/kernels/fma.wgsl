// Rate of multiply-adds when nothing is loaded: VECTORS independent chains of vec4 in registers.
#param VECTORS
// Multiply-adds of each chain in one round of the loop.
#param UNROLL
// fma() is one instruction on GPUs; a driver that emulates it is faster at a product and a sum.
#param FUSED

struct Uniforms {
  rounds: u32,
  factor: f32,
  summand: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Values that differ by lane and come from memory: the compiler cannot know the result.
  let factor = vec4<f32>(u.factor) + sums[id.x] * 1e-9;
  let summand = vec4<f32>(u.summand);
#for i in 0..VECTORS
  var x${i} = vec4<f32>(f32(id.x + ${i}u)) * 1e-6;
#endfor
  for (var round = 0u; round < u.rounds; round++) {
#for k in 0..UNROLL
#for i in 0..VECTORS
#if FUSED
    x${i} = fma(x${i}, factor, summand);
#else
    x${i} = x${i} * factor + summand;
#endif
#endfor
#endfor
  }
  var sum = vec4<f32>();
#for i in 0..VECTORS
  sum += x${i};
#endfor
  sums[id.x] = sum;
}
