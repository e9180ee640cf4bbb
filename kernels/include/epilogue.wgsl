// What a producer applies to its result before storing it: activation and residual. Bias is added by the kernel
// itself, as the initial value of its accumulator.
// One formula serves none (slope 1), ReLU (0), LeakyReLU (constant) and PReLU (per channel), so that layers that
// differ only in these share one pipeline: slopes stand behind the biases in the same buffer.
// ACTIVATION: 0 slope form, 1 sigmoid, 2 tanh.
// RESIDUAL: 0 none, 1 added before the activation, 2 after it; 3 and 4 likewise the maximum of its 2x2 pixels.
#param ACTIVATION
#param RESIDUAL

fn activate(x: vec4<f32>, slope: vec4<f32>) -> vec4<f32> {
#if ACTIVATION == 0
  return max(x, vec4<f32>(0.0)) + slope * min(x, vec4<f32>(0.0));
#elif ACTIVATION == 1
  // Divisors beyond 2^126 may give anything, and so may infinities.
  return 1.0 / (1.0 + exp(-max(x, vec4<f32>(-80.0))));
#else
  // Some drivers divide by infinities and give NaN past +-88; the result is +-1 from 10 on.
  return tanh(clamp(x, vec4<f32>(-15.0), vec4<f32>(15.0)));
#endif
}

// `other` is ignored where RESIDUAL is 0.
fn applyEpilogue(x: vec4<f32>, slope: vec4<f32>, other: vec4<f32>) -> vec4<f32> {
#if RESIDUAL == 1 || RESIDUAL == 3
  return activate(x + other, slope);
#elif RESIDUAL == 2 || RESIDUAL == 4
  return activate(x, slope) + other;
#else
  return activate(x, slope);
#endif
}

#if RESIDUAL > 0
// What a kernel adds of its binding `residual`: the vec4 at `at`, or the largest of the 2x2 pixels from there on.
fn residualFrom(at: u32, width: u32) -> vec4<f32> {
#if RESIDUAL > 2
  let upper = max(vec4<f32>(residual[at]), vec4<f32>(residual[at + 1u]));
  let lower = max(vec4<f32>(residual[at + width]), vec4<f32>(residual[at + width + 1u]));
  return max(upper, lower);
#else
  return vec4<f32>(residual[at]);
#endif
}

// The same at a place of the output; planes that the residual lacks are zero.
fn residualAt(n: u32, plane: u32, y: u32, x: u32) -> vec4<f32> {
  let v = u.residual;
  let at = elementIndex(v, n, min(plane, v.planes - 1u), y * ${1 + RESIDUAL / 3}u, x * ${1 + RESIDUAL / 3}u);
  return select(vec4<f32>(0.0), residualFrom(at, v.width), plane < v.planes);
}
#else
fn residualAt(n: u32, plane: u32, y: u32, x: u32) -> vec4<f32> {
  return vec4<f32>(0.0);
}
#endif
