// What a producer applies to its result before storing it: activation and residual. Bias is added by the kernel
// itself, as the initial value of its accumulator.
// One formula serves none (slope 1), ReLU (0), LeakyReLU (constant) and PReLU (per channel), so that layers that
// differ only in these share one pipeline: slopes stand behind the biases in the same buffer.
// ACTIVATION: 0 slope form, 1 sigmoid, 2 tanh.   RESIDUAL: 0 none, 1 added before the activation, 2 after it.
#param ACTIVATION
#param RESIDUAL

fn activate(x: vec4<f32>, slope: vec4<f32>) -> vec4<f32> {
#if ACTIVATION == 0
  return max(x, vec4<f32>(0.0)) + slope * min(x, vec4<f32>(0.0));
#elif ACTIVATION == 1
  return 1.0 / (1.0 + exp(-x));
#else
  // Some drivers divide by infinities and give NaN past +-88; the result is +-1 from 10 on.
  return tanh(clamp(x, vec4<f32>(-15.0), vec4<f32>(15.0)));
#endif
}

// `residual` is ignored where RESIDUAL is 0.
fn applyEpilogue(x: vec4<f32>, slope: vec4<f32>, residual: vec4<f32>) -> vec4<f32> {
#if RESIDUAL == 1
  return activate(x + residual, slope);
#elif RESIDUAL == 2
  return activate(x, slope) + residual;
#else
  return activate(x, slope);
#endif
}
