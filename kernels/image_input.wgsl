// Pixel buffer -> one batch entry of an n x h x w x 3 tensor: each output pixel samples the image through an affine
// transform, with bilinear interpolation, a border rule and a grid of taps per output pixel (area-like filter for
// downscaling). IMAGES: 1, or 2 in one dispatch for GPUs; software adapters would read both buffers at a branch between them.
// One invocation per `rows` pixels of a column: they also spend more on reading the transform than on a pixel.
#include "include/layout.wgsl"
#param BYTES_PER_PIXEL   // 4: RGBA8, 3: RGB8
#param EDGE_BORDER       // true: pixels outside repeat the nearest edge pixel; false: they are black
#param REGISTERED        // true: the image has the output's size, one pixel to one pixel, no transform
#param MIRRORED          // true: also written left to right, to another batch entry
#param IMAGES

struct Uniforms {
  outputView: View,
  scale: vec4<f32>,
  offset: vec4<f32>,
  // Sizes of the pixel buffers in 32-bit words.
  words: vec2<u32>,
  // Batch entry of the first image, and with MIRRORED that of its mirror image.
  entry: u32,
  mirrorEntry: u32,
  rows: u32,
}

// See packImageTransform.
struct Transform {
  rowX: vec4<f32>,   // a, b, c of source x = a x + b y + c; source width
  rowY: vec4<f32>,   // d, e, f of source y = d x + e y + f; source height
  sampling: vec4<f32>, // row stride in bytes, taps in x, taps in y, 1 where taps take the nearest pixel
}

// The readable part of an image.
struct Source {
  image: u32,
  width: i32,
  height: i32,
  stride: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read_write> output: array<Stored4>;
#for i in 0..IMAGES
@group(0) @binding(${2 + i}) var<storage, read> pixels${i}: array<u32>;
#if !REGISTERED
@group(0) @binding(${4 + i}) var<storage, read> transform${i}: Transform;
#endif
#endfor

fn word(image: u32, index: u32) -> u32 {
#if IMAGES == 2
  if (image == 1u) { return pixels1[index]; }
#endif
  return pixels0[index];
}

// RGB of the pixel that starts at a byte address.
fn pixel(image: u32, address: u32) -> vec3<f32> {
#if BYTES_PER_PIXEL == 4
  let bits = word(image, address >> 2u);
#else
  // Three bytes may straddle two words; shifting by 32 is undefined, hence the two-step shift of the upper word.
  let shift = (address & 3u) * 8u;
  let upper = word(image, min((address >> 2u) + 1u, u.words[image] - 1u));
  let bits = (word(image, address >> 2u) >> shift) | ((upper << (24u - shift)) << 8u);
#endif
  return unpack4x8unorm(bits).xyz;
}

#if REGISTERED
@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width) {
    let scale = u.scale.xyz;
    let offset = u.offset.xyz;
    let first = id.y * u.rows;
    var place = first * v.width + id.x;
    let start = v.offset + (u.entry + id.z) * v.batchStride;
    for (var y = first; y < min(first + u.rows, v.height); y++) {
      let rgb = pixel(id.z, place * ${BYTES_PER_PIXEL}u);
      output[start + place] = Stored4(vec4<f32>(rgb * scale + offset, 0.0));
      place += v.width;
    }
  }
}
#else
// A wrong transform must not read past the pixels: size and stride are cut to what the buffer holds.
fn sourceOf(image: u32, rowX: vec4<f32>, rowY: vec4<f32>, sampling: vec4<f32>) -> Source {
  let bytes = u.words[image] * 4u;
  let width = clamp(u32(clamp(rowX.w, 1.0, 65536.0)), 1u, bytes / ${BYTES_PER_PIXEL}u);
  let row = width * ${BYTES_PER_PIXEL}u;
  let stride = max(u32(clamp(sampling.x, 1.0, 16777216.0)), row);
  let height = clamp(u32(clamp(rowY.w, 1.0, 65536.0)), 1u, (bytes - row) / stride + 1u);
  return Source(image, i32(width), i32(height), stride);
}

// 1 where the border rule lets pixel `at` of `size` count, else 0.
fn counts(at: i32, size: i32) -> f32 {
#if EDGE_BORDER
  return 1.0;
#else
  return select(0.0, 1.0, at >= 0 && at < size);
#endif
}

// `at` in pixels, pixel centres at integer + 0.5; clamped where nothing changes any more, to keep the conversion to
// integers in range.
fn reachable(source: Source, at: vec2<f32>) -> vec2<f32> {
  return clamp(at, vec2<f32>(-2.0), vec2<f32>(f32(source.width), f32(source.height)) + 2.0);
}

fn bilinear(source: Source, at: vec2<f32>) -> vec3<f32> {
  let corner = reachable(source, at) - 0.5;
  let low = floor(corner);
  let t = corner - low;
  let x = i32(low.x);
  let y = i32(low.y);
  let left = (1.0 - t.x) * counts(x, source.width);
  let right = t.x * counts(x + 1, source.width);
  let top = (1.0 - t.y) * counts(y, source.height);
  let bottom = t.y * counts(y + 1, source.height);
  let x0 = u32(clamp(x, 0, source.width - 1)) * ${BYTES_PER_PIXEL}u;
  let x1 = u32(clamp(x + 1, 0, source.width - 1)) * ${BYTES_PER_PIXEL}u;
  let y0 = u32(clamp(y, 0, source.height - 1)) * source.stride;
  let y1 = u32(clamp(y + 1, 0, source.height - 1)) * source.stride;
  let upper = pixel(source.image, y0 + x0) * left + pixel(source.image, y0 + x1) * right;
  let lower = pixel(source.image, y1 + x0) * left + pixel(source.image, y1 + x1) * right;
  return upper * top + lower * bottom;
}

fn nearest(source: Source, at: vec2<f32>) -> vec3<f32> {
  let corner = floor(reachable(source, at));
  let x = i32(corner.x);
  let y = i32(corner.y);
  let column = u32(clamp(x, 0, source.width - 1)) * ${BYTES_PER_PIXEL}u;
  let row = u32(clamp(y, 0, source.height - 1)) * source.stride;
  return pixel(source.image, row + column) * (counts(x, source.width) * counts(y, source.height));
}

// Mean over the taps of the output pixel whose upper left corner is given; `step`: distance of taps in output
// pixels; `isDense`: each takes the nearest pixel.
fn average(source: Source, rowX: vec4<f32>, rowY: vec4<f32>, corner: vec2<f32>, taps: vec2<i32>, step: vec2<f32>, isDense: bool) -> vec3<f32> {
  // Two loops of which one never runs, rather than a branch: software adapters skip only loops.
  let bilinearRows = select(taps.y, 0, isDense);
  var sum = vec3<f32>(0.0);
  for (var j = 0; j < bilinearRows; j++) {
    for (var i = 0; i < taps.x; i++) {
      let at = corner + (vec2<f32>(f32(i), f32(j)) + 0.5) * step;
      sum += bilinear(source, vec2<f32>(dot(rowX.xy, at) + rowX.z, dot(rowY.xy, at) + rowY.z));
    }
  }
  for (var j = bilinearRows; j < taps.y; j++) {
    for (var i = 0; i < taps.x; i++) {
      let at = corner + (vec2<f32>(f32(i), f32(j)) + 0.5) * step;
      sum += nearest(source, vec2<f32>(dot(rowX.xy, at) + rowX.z, dot(rowY.xy, at) + rowY.z));
    }
  }
  return sum * (step.x * step.y);
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let v = u.outputView;
  if (id.x < v.width) {
#if IMAGES == 2
    let second = id.z == 1u;
    let rowX = select(transform0.rowX, transform1.rowX, second);
    let rowY = select(transform0.rowY, transform1.rowY, second);
    let sampling = select(transform0.sampling, transform1.sampling, second);
#else
    let rowX = transform0.rowX;
    let rowY = transform0.rowY;
    let sampling = transform0.sampling;
#endif
    let source = sourceOf(id.z, rowX, rowY, sampling);
    let taps = clamp(vec2<i32>(sampling.yz), vec2<i32>(1), vec2<i32>(64));
    let step = 1.0 / vec2<f32>(taps);
    let scale = u.scale.xyz;
    let offset = u.offset.xyz;
    let first = id.y * u.rows;
    var place = v.offset + (u.entry + id.z) * v.batchStride + first * v.width + id.x;
#if MIRRORED
    var mirrorPlace = v.offset + (u.mirrorEntry + id.z) * v.batchStride + first * v.width + v.width - 1u - id.x;
#endif
    for (var y = first; y < min(first + u.rows, v.height); y++) {
      let rgb = average(source, rowX, rowY, vec2<f32>(f32(id.x), f32(y)), taps, step, sampling.w > 0.5);
      let texel = Stored4(vec4<f32>(rgb * scale + offset, 0.0));
      output[place] = texel;
      place += v.width;
#if MIRRORED
      output[mirrorPlace] = texel;
      mirrorPlace += v.width;
#endif
    }
  }
}
#endif
