// Refers to something that does not exist.
fn wrong() -> f32 {
  return nowhere + 1.0;
}
