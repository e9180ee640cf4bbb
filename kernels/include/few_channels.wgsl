// Sums of layers whose outputs have fewer channels than a plane: no arithmetic on lanes of padding.
// LANES: 2 to 4.
#param LANES

#if LANES == 2
alias Sum = vec2<f32>;
fn sumLanes(value: vec4<f32>) -> Sum { return value.xy; }
fn allLanes(sum: Sum) -> vec4<f32> { return vec4<f32>(sum, 0.0, 0.0); }
#elif LANES == 3
alias Sum = vec3<f32>;
fn sumLanes(value: vec4<f32>) -> Sum { return value.xyz; }
fn allLanes(sum: Sum) -> vec4<f32> { return vec4<f32>(sum, 0.0); }
#else
alias Sum = vec4<f32>;
fn sumLanes(value: vec4<f32>) -> Sum { return value; }
fn allLanes(sum: Sum) -> vec4<f32> { return sum; }
#endif
