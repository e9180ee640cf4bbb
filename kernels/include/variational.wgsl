// Shared by the kernels of src/ops/variational.ts.
// Stands for dx where the face is not.
const OFF_FACE = 1e9;

fn onFace(displacement: vec2<f32>) -> bool {
  return displacement.x < 0.5 * OFF_FACE;
}
