// The four pixels around a position and their weights. Pixel centres lie at whole numbers here.
struct Bilinear {
  // Offsets inside a plane: upper left, upper right, lower left, lower right.
  places: vec4<u32>,
  weights: vec4<f32>,
}

fn bilinearAt(first: vec2<f32>, second: vec2<f32>, low: vec2<f32>, high: vec2<f32>, width: u32, height: u32) -> Bilinear {
  // Also bounds what a NaN position becomes.
  let last = vec2<u32>(width - 1u, height - 1u);
  let a = min(vec2<u32>(first), last);
  let b = min(vec2<u32>(second), last);
  var result: Bilinear;
  result.places = vec4<u32>(a.y * width + a.x, a.y * width + b.x, b.y * width + a.x, b.y * width + b.x);
  result.weights = vec4<f32>(low.x * low.y, high.x * low.y, low.x * high.y, high.x * high.y);
  return result;
}

// Positions outside take the nearest pixel.
fn bilinearClamped(position: vec2<f32>, width: u32, height: u32) -> Bilinear {
  let limit = vec2<f32>(f32(width), f32(height)) - 1.0;
  let inside = clamp(position, vec2<f32>(0.0), limit);
  let corner = floor(inside);
  let part = inside - corner;
  return bilinearAt(corner, min(corner + 1.0, limit), 1.0 - part, part, width, height);
}

// Pixels outside the map have weight 0.
fn bilinearZero(position: vec2<f32>, width: u32, height: u32) -> Bilinear {
  let limit = vec2<f32>(f32(width), f32(height)) - 1.0;
  // From one pixel outside on, all four are outside; the bounds keep the conversion to integers defined.
  let near = clamp(position, vec2<f32>(-1.0), limit + 1.0);
  let corner = floor(near);
  let part = near - corner;
  let first = clamp(corner, vec2<f32>(0.0), limit);
  let second = clamp(corner + 1.0, vec2<f32>(0.0), limit);
  let low = select(vec2<f32>(0.0), 1.0 - part, first == corner);
  let high = select(vec2<f32>(0.0), part, second == corner + 1.0);
  return bilinearAt(first, second, low, high, width, height);
}
