// Copies a run of planes of some batch entries from one tensor into another: what is left of a concatenation or
// slice whose parts memory planning could not place where they belong. One invocation: one vec4.
#include "include/layout.wgsl"
#include "include/grid.wgsl"
#include "include/loaded.wgsl"

struct Uniforms {
  source: View,
  destination: View,
  sourceBatch: u32,
  sourcePlane: u32,
  destinationBatch: u32,
  destinationPlane: u32,
  // vec4s of one batch entry; planes are contiguous within it.
  count: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> source: array<Loaded4>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored4>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local);
  if (i >= u.count) { return; }
  let place = elementIndex(u.destination, u.destinationBatch + group.z, u.destinationPlane, 0u, 0u);
  let base = elementIndex(u.source, u.sourceBatch + group.z, u.sourcePlane, 0u, 0u);
  destination[place + i] = Stored4(source[base + i]);
}
