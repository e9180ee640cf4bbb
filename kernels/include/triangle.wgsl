// Exact triangle set-up. Vertices are snapped to 1/256 px, so edge functions are integers; they need up to 62 bits,
// which WGSL does not have: a Wide3 holds three signed 64-bit numbers (two's complement, high and low words).

const SUBPIXELS = 256.0;
const HALF_PIXEL = 128;
// Bits of 2^21: coordinates of larger magnitude, Inf and NaN (their bits are larger still) are out of range.
const RANGE_BITS = 0x4a000000u;

struct Wide3 {
  low: vec3<u32>,
  high: vec3<i32>,
}

fn wideAdd(a: Wide3, b: Wide3) -> Wide3 {
  let low = a.low + b.low;
  return Wide3(low, a.high + b.high + vec3<i32>(low < a.low));
}

fn wideSubtract(a: Wide3, b: Wide3) -> Wide3 {
  return Wide3(a.low - b.low, a.high - b.high - vec3<i32>(a.low < b.low));
}

fn wideNegate(a: Wide3) -> Wide3 {
  return wideSubtract(Wide3(vec3<u32>(0u), vec3<i32>(0)), a);
}

// value * 256
fn wideOfPixels(value: vec3<i32>) -> Wide3 {
  return Wide3(vec3<u32>(value) << vec3<u32>(8u), value >> vec3<u32>(24u));
}

fn wideProduct(a: vec3<i32>, b: vec3<i32>) -> Wide3 {
  let ua = vec3<u32>(a);
  let ub = vec3<u32>(b);
  let mask = vec3<u32>(0xffffu);
  let half = vec3<u32>(16u);
  let crossA = (ua & mask) * (ub >> half);
  let crossB = (ua >> half) * (ub & mask);
  let middle = (((ua & mask) * (ub & mask)) >> half) + (crossA & mask) + (crossB & mask);
  let high = (ua >> half) * (ub >> half) + (crossA >> half) + (crossB >> half) + (middle >> half);
  // The product of the bit patterns taken as unsigned is too large by b * 2^32 where a is negative, and vice versa.
  let excess = select(vec3<u32>(0u), ub, a < vec3<i32>(0)) + select(vec3<u32>(0u), ua, b < vec3<i32>(0));
  return Wide3(ua * ub, vec3<i32>(high - excess));
}

// For numbers that are not negative, each plus `extra`.
fn wideToFloat(a: Wide3, extra: vec3<f32>) -> vec3<f32> {
  return vec3<f32>(a.high) * 4294967296.0 + (vec3<f32>(a.low) + extra);
}

struct Triangle {
  // Component i belongs to the edge opposite vertex i, walked so that its edge function grows inwards.
  dx: vec3<i32>,
  dy: vec3<i32>,
  // Edge functions at the start pixel's centre, minus `bias`: not negative where the pixel belongs to the triangle.
  edges: Wide3,
  // 0 for top and left edges, which own the points on them; 1 for the others.
  bias: vec3<i32>,
  // Of twice the area, in the unit of the edge functions.
  inverseArea: f32,
  // Sign of the area before the edges were turned inwards: 1 is clockwise on the screen, 0 has no area.
  orientation: i32,
}

fn inRange(position: vec3<f32>) -> bool {
  return all((bitcast<vec3<u32>>(position) & vec3<u32>(0x7fffffffu)) <= vec3<u32>(RANGE_BITS));
}

fn snap(a: f32, b: f32, c: f32) -> vec3<i32> {
  return vec3<i32>(round(vec3<f32>(a, b, c) * SUBPIXELS));
}

// 0 for top and left edges, by how they are walked in a triangle that is turned inwards; 1 for others.
fn biasOf(dx: vec3<i32>, dy: vec3<i32>) -> vec3<i32> {
  let left = dy < vec3<i32>(0);
  let top = (dy == vec3<i32>(0)) & (dx > vec3<i32>(0));
  return select(vec3<i32>(1), vec3<i32>(0), left | top);
}

// x, y: snapped coordinates of the three vertices; (startX, startY): the pixel at whose centre edges are evaluated.
fn setUpTriangle(x: vec3<i32>, y: vec3<i32>, startX: i32, startY: i32) -> Triangle {
  var t: Triangle;
  t.dx = x.zxy - x.yzx;
  t.dy = y.zxy - y.yzx;
  let toX = vec3<i32>(startX * 256 + HALF_PIXEL) - x.yzx;
  let toY = vec3<i32>(startY * 256 + HALF_PIXEL) - y.yzx;
  var edges = wideSubtract(wideProduct(t.dx, toY), wideProduct(t.dy, toX));
  // The three edge functions add up to twice the area, wherever they are taken.
  var area = wideAdd(edges, wideAdd(Wide3(edges.low.yzx, edges.high.yzx), Wide3(edges.low.zxy, edges.high.zxy)));
  t.orientation = select(select(1, 0, (area.low.x | u32(area.high.x)) == 0u), -1, area.high.x < 0);
  if (t.orientation < 0) {
    t.dx = -t.dx;
    t.dy = -t.dy;
    edges = wideNegate(edges);
    area = wideNegate(area);
  }
  t.bias = biasOf(t.dx, t.dy);
  t.edges = wideSubtract(edges, Wide3(vec3<u32>(t.bias), vec3<i32>(0)));
  t.inverseArea = 1.0 / max(wideToFloat(area, vec3<f32>(0.0)).x, 1.0);
  return t;
}

// Barycentric weights of the three vertices at a covered pixel whose biased edge functions are `edges`.
fn weightsAt(t: Triangle, edges: Wide3) -> vec3<f32> {
  return wideToFloat(edges, vec3<f32>(t.bias)) * t.inverseArea;
}
