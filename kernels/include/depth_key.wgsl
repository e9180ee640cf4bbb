// Keys compare as unsigned integers the way their depths do; -0 counts as 0.
fn depthKey(z: f32) -> u32 {
  let bits = bitcast<u32>(z);
  if (bits == 0x80000000u) {
    return 0x80000000u;
  }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits >> 31u) == 1u);
}
