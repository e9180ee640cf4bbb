// How buffers of displacements say that a pixel is off the face, for the refinements of src/ops/flow/inverse-search.ts and
// src/ops/flow/variational.ts: dx of this size.
const OFF_FACE = 1e9;

fn onFace(displacement: vec2<f32>) -> bool {
  return displacement.x < 0.5 * OFF_FACE;
}
