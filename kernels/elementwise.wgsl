// out[i] = activate(left[i] (operation) right[i]), planes of a batch entry taken as one run. One invocation: one vec4.
// OPERATION: 0 left alone, 1 left + right, 2 left * right, 3 left * scale + offset.
// MASK: `right` has one channel, which meets all channels of `left`.
// SLOPES: slopes of the activation differ by channel and stand in `vectors`; otherwise `slope` serves all.
// IN_PLACE: `left` is `destination` itself.
#param OPERATION
#param MASK
#param SLOPES
#param IN_PLACE
#include "include/layout.wgsl"
#include "include/grid.wgsl"
#include "include/epilogue.wgsl"

struct Uniforms {
  left: View,
  right: View,
  destination: View,
  count: u32,
  slope: f32,
  scale: f32,
  offset: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read_write> destination: array<Stored4>;
#if !IN_PLACE
@group(0) @binding(2) var<storage, read> left: array<Stored4>;
#endif
#if OPERATION == 1 || OPERATION == 2
@group(0) @binding(3) var<storage, read> right: array<Stored4>;
#endif
#if SLOPES
@group(0) @binding(4) var<storage, read> vectors: array<vec4<f32>>;
#endif

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local);
  if (i >= u.count) { return; }
  let n = group.z;
  let place = u.destination.offset + n * u.destination.batchStride + i;
#if IN_PLACE
  var value = vec4<f32>(destination[place]);
#else
  var value = vec4<f32>(left[u.left.offset + n * u.left.batchStride + i]);
#endif
#if OPERATION == 1 || OPERATION == 2
#if MASK
  let rightPlace = i % planeSize(u.right);
#else
  let rightPlace = i;
#endif
  var other = vec4<f32>(right[u.right.offset + n * u.right.batchStride + rightPlace]);
#if MASK
  other = vec4<f32>(other.x);
#endif
#if OPERATION == 1
  value += other;
#else
  value *= other;
#endif
#elif OPERATION == 3
  value = value * u.scale + u.offset;
#endif
#if SLOPES
  let slope = vectors[u.destination.planes + i / planeSize(u.destination)];
#else
  let slope = vec4<f32>(u.slope);
#endif
  destination[place] = Stored4(applyEpilogue(value, slope, vec4<f32>(0.0)));
}
