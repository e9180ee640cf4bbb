// Kernels that walk pixels or elements in order: workgroups of 64, folded into rows (src/graph/lowering.ts) because a
// dimension holds at most 65535 of them. Indices past the end exist and must be guarded.
fn linearIndex(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
  return (group.y * groups.x + group.x) * 64u + local;
}
