// Cost volume: out[y, x, dy * D + dx] = mean over channels of first[y, x] * second[y + (dy - R) S, x + (dx - R) S], D = 2 R + 1,
// zero where the second position lies outside the map.
// One invocation: PIXELS (1 to 4) neighbouring pixels of one row times COLUMNS neighbouring dx of one dy, so that every vector of
// the second map, once loaded, meets all pixels that it belongs to.
// STRIDE: S.  NORMS: 1 and 2: features are divided by their RMS over channels, as correlation_norm.wgsl has left it (1) or by
// sums of squares beside those of the products (2).
// MASKED: the last plane has lanes of padding, which must not count.
// SLOPES: slopes of the activation differ by channel and stand in `vectors`; otherwise `slope` serves all.
#param PIXELS
#param COLUMNS
#param STRIDE
#param NORMS
#param MASKED
#param SLOPES
#include "include/layout.wgsl"
#include "include/grid.wgsl"
#include "include/epilogue.wgsl"

// Neighbouring dx share planes of the output, so lanes are written one by one.
#if F16
alias StoredLane = f16;
#else
alias StoredLane = f32;
#endif

struct Uniforms {
  first: View,
  second: View,
  destination: View,
  // D, and R * S.
  diameter: u32,
  reach: i32,
  // Invocations along x, and for the dx of one dy.
  blocks: u32,
  chunks: u32,
  slope: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> first: array<Stored4>;
@group(0) @binding(2) var<storage, read> second: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> destination: array<StoredLane>;
#if NORMS == 1
// 1 / RMS of every pixel, [first, second][batch entry][y][x].
@group(0) @binding(4) var<storage, read> norms: array<f32>;
#endif
#if SLOPES
@group(0) @binding(5) var<storage, read> vectors: array<vec4<f32>>;
#endif

#if NORMS == 1
fn secondFactor(n: u32, y: u32, x: i32, clamped: u32, rowInside: bool) -> f32 {
  let inside = rowInside && x >= 0 && x < i32(u.second.width);
  let norm = norms[((u.second.batches + n) * u.second.height + y) * u.second.width + clamped];
  return select(0.0, norm, inside);
}
#else
fn secondFactor(n: u32, y: u32, x: i32, clamped: u32, rowInside: bool) -> f32 {
  return select(0.0, 1.0, rowInside && x >= 0 && x < i32(u.second.width));
}
#endif

#if NORMS == 2
// 1 / RMS of a pixel by its squares summed over channels, with 1e-4 added to the mean square.
fn inverseRms(squares: f32) -> f32 {
  return inverseSqrt(squares / f32(u.first.channels) + 1e-4);
}
#endif

fn slopeOf(channel: u32) -> vec4<f32> {
#if SLOPES
  return vec4<f32>(vectors[u.destination.planes + channel / 4u][channel % 4u]);
#else
  return vec4<f32>(u.slope);
#endif
}

fn storePixels(n: u32, channel: u32, y: u32, x: u32, value: vec4<f32>) {
  let place = elementIndex(u.destination, n, channel / 4u, y, x) * 4u + channel % 4u;
  let inside = u.destination.width - x;
  destination[place] = StoredLane(value.x);
#for i in 1..PIXELS
  if (inside > ${i}u) { destination[place + ${4 * i}u] = StoredLane(value[${i}]); }
#endfor
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let width = u.first.width;
  let height = u.first.height;
  let i = linearIndex(group, groups, local);
  if (i >= u.blocks * height * u.diameter * u.chunks) { return; }
  let n = group.z;
  let x = (i % u.blocks) * ${PIXELS}u;
  let rest = i / u.blocks;
  let y = rest % height;
  let column = (rest / height % u.chunks) * ${COLUMNS}u;
  let row = rest / height / u.chunks;

  let secondRow = i32(y) + i32(row) * ${STRIDE} - u.reach;
  let rowInside = secondRow >= 0 && secondRow < i32(height);
  let secondY = u32(clamp(secondRow, 0, i32(height) - 1));
  let secondX = i32(x) + i32(column) * ${STRIDE} - u.reach;
  let pixels = planeSize(u.first);
  var firstRow = elementIndex(u.first, n, 0u, y, 0u);
  var otherRow = elementIndex(u.second, n, 0u, secondY, 0u);
#for i in 0..PIXELS
  let x${i} = min(x + ${i}u, width - 1u);
#endfor
#for p in 0..PIXELS + (COLUMNS - 1) * STRIDE
  let q${p} = u32(clamp(secondX + ${p}, 0, i32(width) - 1));
#endfor
#for i in 0..PIXELS
#for d in 0..COLUMNS
  var sum${i}_${d} = 0.0;
#endfor
#endfor

#if NORMS == 2
#for i in 0..PIXELS
  var firstSquares${i} = 0.0;
#endfor
#for p in 0..PIXELS + (COLUMNS - 1) * STRIDE
  var secondSquares${p} = 0.0;
#endfor
#endif

#if MASKED
  let lastMask = vec4<f32>(
    select(vec4<u32>(0u), vec4<u32>(1u), vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>((u.first.channels - 1u) % 4u + 1u)),
  );
#endif
  // A row outside the map gives zeros whatever stands there.
  let planes = select(0u, u.first.planes, rowInside);
  for (var plane = 0u; plane < planes; plane++) {
#if MASKED
    let mask = select(vec4<f32>(1.0), lastMask, plane + 1u == planes);
#endif
#for i in 0..PIXELS
#if MASKED
    let a${i} = vec4<f32>(first[firstRow + x${i}]) * mask;
#else
    let a${i} = vec4<f32>(first[firstRow + x${i}]);
#endif
#endfor
#for p in 0..PIXELS + (COLUMNS - 1) * STRIDE
#if MASKED && NORMS == 2
    let b${p} = vec4<f32>(second[otherRow + q${p}]) * mask;
#else
    let b${p} = vec4<f32>(second[otherRow + q${p}]);
#endif
#endfor
#if NORMS == 2
#for i in 0..PIXELS
    firstSquares${i} += dot(a${i}, a${i});
#endfor
#for p in 0..PIXELS + (COLUMNS - 1) * STRIDE
    secondSquares${p} += dot(b${p}, b${p});
#endfor
#endif
#for i in 0..PIXELS
#for d in 0..COLUMNS
    sum${i}_${d} += dot(a${i}, b${i + d * STRIDE});
#endfor
#endfor
    firstRow += pixels;
    otherRow += pixels;
  }

#for p in 0..PIXELS + (COLUMNS - 1) * STRIDE
#if NORMS == 2
  let f${p} = secondFactor(n, secondY, secondX + ${p}, q${p}, rowInside) * inverseRms(secondSquares${p});
#else
  let f${p} = secondFactor(n, secondY, secondX + ${p}, q${p}, rowInside);
#endif
#endfor
  // One lane of what follows is one pixel.
  var factor = vec4<f32>(1.0 / f32(u.first.channels));
#for i in 0..PIXELS
#if NORMS == 1
  factor[${i}] *= norms[(n * height + y) * width + x${i}];
#elif NORMS == 2
  factor[${i}] *= inverseRms(firstSquares${i});
#endif
#endfor
  let firstChannel = row * u.diameter + column;
  let last = firstChannel + ${COLUMNS}u >= u.diameter * u.diameter;
#for d in 0..COLUMNS
  var value${d} = vec4<f32>(0.0);
#for i in 0..PIXELS
  value${d}[${i}] = sum${i}_${d} * f${i + d * STRIDE};
#endfor
#endfor
  // Each round writes value0, and the others move up: compile time on software adapters grows steeply with branches.
  for (var d = 0u; d < min(${COLUMNS}u, u.diameter - column); d++) {
    let channel = firstChannel + d;
    storePixels(n, channel, y, x, applyEpilogue(value0 * factor, slopeOf(channel), vec4<f32>(0.0)));
#for d in 1..COLUMNS
    value${d - 1} = value${d};
#endfor
  }
  // Lanes of padding behind the last channel.
  if (last) {
    for (var channel = u.diameter * u.diameter; channel < u.destination.planes * 4u; channel++) {
      storePixels(n, channel, y, x, vec4<f32>(0.0));
    }
  }
}
