// Gain and offset that give a target the mean and the variance that its source has, from sums over the face.
// total: of source, target and pixels; squares: of source and target; gainFloor: added to both variances, grey levels^2.
fn lightOf(total: vec3<f32>, squares: vec2<f32>, gainFloor: f32, gainLimit: f32) -> vec2<f32> {
  let count = max(total.z, 1.0);
  let mean = total.xy / count;
  let variance = max(squares / count - mean * mean, vec2<f32>(0.0)) + gainFloor;
  let gain = clamp(sqrt(variance.x / variance.y), 1.0 / gainLimit, gainLimit);
  return vec2<f32>(gain, mean.x - gain * mean.y);
}
