// Pixel buffers -> n x h x w x 3 tensor: each output pixel samples its image through an affine of its own, with
// bilinear interpolation, a border rule and a grid of taps per output pixel (area-like filter for downscaling).
// One invocation per output pixel; image n of the batch comes from pixels0 or pixels1.
#include "include/layout.wgsl"
#param IMAGES            // 1 or 2 pixel buffers
#param BYTES_PER_PIXEL   // 4: RGBA8, 3: RGB8
#param EDGE_BORDER       // true: pixels outside repeat the nearest edge pixel; false: they are black
#param REGISTERED        // true: the image has the output's size, one pixel to one pixel, no transform

struct Uniforms {
  outputView: View,
  scale: vec4<f32>,
  offset: vec4<f32>,
  // Whole 32-bit words in pixels0 and pixels1: a wrong transform must not read past them.
  words: vec2<u32>,
}

// Three vec4 per image, see packImageTransform.
struct Transform {
  rowX: vec4<f32>,   // a, b, c of source x = a x + b y + c; source width
  rowY: vec4<f32>,   // d, e, f of source y = d x + e y + f; source height
  sampling: vec4<f32>, // row stride in bytes, taps in x, taps in y, unused
}

struct Source {
  image: u32,
  width: i32,
  height: i32,
  stride: u32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read_write> output: array<Stored4>;
@group(0) @binding(2) var<storage, read> pixels0: array<u32>;
#if IMAGES == 2
@group(0) @binding(3) var<storage, read> pixels1: array<u32>;
#endif
#if REGISTERED
#else
@group(0) @binding(4) var<storage, read> transform0: Transform;
#if IMAGES == 2
@group(0) @binding(5) var<storage, read> transform1: Transform;
#endif
#endif

fn word(image: u32, index: u32) -> u32 {
#if IMAGES == 2
  if (image == 1u) {
    return pixels1[min(index, u.words.y - 1u)];
  }
#endif
  return pixels0[min(index, u.words.x - 1u)];
}

// RGB in [0, 1]; (x, y) inside the image.
fn pixel(source: Source, x: i32, y: i32) -> vec3<f32> {
#if BYTES_PER_PIXEL == 4
  return unpack4x8unorm(word(source.image, ((u32(y) * source.stride) >> 2u) + u32(x))).xyz;
#else
  // Three bytes may straddle two words; shifting by 32 is undefined, hence the two-step shift of the upper word.
  let address = u32(y) * source.stride + u32(x) * 3u;
  let shift = (address & 3u) * 8u;
  let low = word(source.image, address >> 2u) >> shift;
  let high = (word(source.image, (address >> 2u) + 1u) << (24u - shift)) << 8u;
  return unpack4x8unorm(low | high).xyz;
#endif
}

fn store(x: u32, y: u32, n: u32, rgb: vec3<f32>) {
  let normalised = vec4<f32>(rgb * u.scale.xyz + u.offset.xyz, 0.0);
  output[elementIndex(u.outputView, n, 0u, y, x)] = Stored4(normalised);
}

#if REGISTERED
@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < u.outputView.width && id.y < u.outputView.height) {
    let width = i32(u.outputView.width);
    let source = Source(id.z, width, i32(u.outputView.height), u.outputView.width * ${BYTES_PER_PIXEL}u);
    store(id.x, id.y, id.z, pixel(source, i32(id.x), i32(id.y)));
  }
}
#else
fn bordered(source: Source, x: i32, y: i32) -> vec3<f32> {
  let cx = clamp(x, 0, source.width - 1);
  let cy = clamp(y, 0, source.height - 1);
  let colour = pixel(source, cx, cy);
#if EDGE_BORDER
  return colour;
#else
  return select(vec3<f32>(0.0), colour, x == cx && y == cy);
#endif
}

// `at` in pixels, pixel centres at integer + 0.5.
fn bilinear(source: Source, at: vec2<f32>) -> vec3<f32> {
  // Beyond one pixel outside nothing changes any more; the clamp keeps the conversion to integers in range.
  let limit = vec2<f32>(f32(source.width), f32(source.height)) + 1.0;
  let corner = clamp(at - 0.5, vec2<f32>(-2.0), limit);
  let low = floor(corner);
  let t = corner - low;
  let x = i32(low.x);
  let y = i32(low.y);
  let top = mix(bordered(source, x, y), bordered(source, x + 1, y), t.x);
  let bottom = mix(bordered(source, x, y + 1), bordered(source, x + 1, y + 1), t.x);
  return mix(top, bottom, t.y);
}

@compute @workgroup_size(16, 4, 1)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < u.outputView.width && id.y < u.outputView.height) {
#if IMAGES == 2
    var rowX = transform0.rowX;
    var rowY = transform0.rowY;
    var sampling = transform0.sampling;
    if (id.z == 1u) {
      rowX = transform1.rowX;
      rowY = transform1.rowY;
      sampling = transform1.sampling;
    }
#else
    let rowX = transform0.rowX;
    let rowY = transform0.rowY;
    let sampling = transform0.sampling;
#endif
    let width = i32(clamp(rowX.w, 1.0, 65536.0));
    let height = i32(clamp(rowY.w, 1.0, 65536.0));
    let source = Source(id.z, width, height, u32(max(sampling.x, 0.0)));
    let taps = clamp(vec2<i32>(sampling.yz), vec2<i32>(1), vec2<i32>(64));
    var sum = vec3<f32>(0.0);
    for (var j = 0; j < taps.y; j++) {
      let py = f32(id.y) + (f32(j) + 0.5) / f32(taps.y);
      for (var i = 0; i < taps.x; i++) {
        let px = f32(id.x) + (f32(i) + 0.5) / f32(taps.x);
        let at = vec2<f32>(rowX.x * px + rowX.y * py + rowX.z, rowY.x * px + rowY.y * py + rowY.z);
        sum += bilinear(source, at);
      }
    }
    store(id.x, id.y, id.z, sum / f32(taps.x * taps.y));
  }
}
#endif
