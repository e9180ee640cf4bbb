// Z-buffer of a tile in registers, in one dispatch, for adapters where a dispatch costs more than to look at every triangle once
// for each tile. Fragments are those of rasterise.wgsl: exact edges, the nearest depth, of equal ones the lowest triangle index,
// in whichever order triangles are found.
// One workgroup a tile, one invocation a pixel. Of CHUNK triangles at a time the workgroup notes those whose boxes meet the tile;
// then they are set up, one by each invocation, and every pixel asks all of them.
#include "include/layout.wgsl"
#include "include/triangle.wgsl"
#include "include/depth_key.wgsl"
#param FRONT   // another raster lies in front: where it has a triangle, its fragment stays

struct Uniforms {
  vertices: View,
  fragments: View,
#if FRONT
  front: View,
#endif
  triangles: u32,
  // Number of the first triangle in the fragments.
  firstTriangle: u32,
  // Orientation (see Triangle) of triangles to leave out; 0: none.
  culled: i32,
}

const TILE = 8u;
const INVOCATIONS = 64u;
const CHUNK = 1024u;
const NONE = 0xffffffffu;

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> vertices: array<Stored4>;
@group(0) @binding(2) var<storage, read> triangles: array<vec4<u32>>;
// z, weights of the first and second vertex, triangle index
@group(0) @binding(3) var<storage, read_write> fragments: array<Stored4>;
#if FRONT
@group(0) @binding(4) var<storage, read> front: array<Stored4>;
#endif

// Indices of the triangles of a chunk whose boxes meet the tile, and how many they are.
var<workgroup> met: array<u32, CHUNK>;
var<workgroup> metCount: atomic<u32>;
var<workgroup> total: u32;
// Some of them, set up at the tile's first pixel: edges' low words and index, their high words and the inverse area, dx and dy of two
// edges each (those of the third are what lacks to 0), depths relative to the third vertex and its own.
var<workgroup> lows: array<vec4<u32>, INVOCATIONS>;
var<workgroup> highs: array<vec4<i32>, INVOCATIONS>;
var<workgroup> sides: array<vec4<i32>, INVOCATIONS>;
var<workgroup> depths: array<vec4<f32>, INVOCATIONS>;

struct Corners {
  x: vec3<i32>,
  y: vec3<i32>,
  // z of the first and second less that of the third, which stands last.
  depths: vec3<f32>,
  drawable: bool,
}

fn vertexAt(n: u32, index: u32) -> vec3<f32> {
  return vec4<f32>(vertices[elementIndex(u.vertices, n, 0u, 0u, index)]).xyz;
}

fn cornersOf(n: u32, index: u32) -> Corners {
  let corners = triangles[index];
  let a = vertexAt(n, corners.x);
  let b = vertexAt(n, corners.y);
  let c = vertexAt(n, corners.z);
  let drawable = inRange(a) && inRange(b) && inRange(c);
  // Conversions of what is out of range would be undefined.
  let x = snap(select(0.0, a.x, drawable), select(0.0, b.x, drawable), select(0.0, c.x, drawable));
  let y = snap(select(0.0, a.y, drawable), select(0.0, b.y, drawable), select(0.0, c.y, drawable));
  return Corners(x, y, vec3<f32>(a.z - c.z, b.z - c.z, c.z), drawable);
}

// Whether a box of corners holds centres of pixels `first` to `last` along an axis.
fn meets(corners: vec3<i32>, first: i32, last: i32) -> bool {
  let low = (min(min(corners.x, corners.y), corners.z) + HALF_PIXEL - 1) >> 8u;
  let high = (max(max(corners.x, corners.y), corners.z) - HALF_PIXEL) >> 8u;
  return low <= high && low <= last && high >= first;
}

fn setUp(slot: u32, n: u32, index: u32, origin: vec2<i32>) {
  let corners = cornersOf(n, index);
  let t = setUpTriangle(corners.x, corners.y, origin.x, origin.y);
  let visible = t.orientation != 0 && t.orientation != u.culled;
  // One whose edges do not move and are negative covers nothing.
  lows[slot] = vec4<u32>(t.edges.low, index);
  highs[slot] = vec4<i32>(select(vec3<i32>(-1), t.edges.high, visible), bitcast<i32>(t.inverseArea));
  sides[slot] = select(vec4<i32>(0), vec4<i32>(t.dx.xy, t.dy.xy), visible);
  depths[slot] = vec4<f32>(corners.depths, 0.0);
}

// Edge functions so many pixels right and down of where they are `edges`; dx and dy have up to 31 bits, `at` few.
fn edgesAt(edges: Wide3, dx: vec3<i32>, dy: vec3<i32>, at: vec2<i32>) -> Wide3 {
  let mask = vec3<i32>(0xffff);
  let low = (dx & mask) * at.y - (dy & mask) * at.x;
  let high = (dx >> vec3<u32>(16u)) * at.y - (dy >> vec3<u32>(16u)) * at.x;
  let upper = Wide3(vec3<u32>(high) << vec3<u32>(24u), high >> vec3<u32>(8u));
  return wideAdd(edges, wideAdd(upper, wideOfPixels(low)));
}

@compute @workgroup_size(8, 8, 1)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(local_invocation_id) place: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let v = u.fragments;
  let n = group.z;
  let origin = vec2<i32>(group.xy * TILE);
  let last = origin + i32(TILE) - 1;
  let at = vec2<i32>(place.xy);
  var nearest = NONE;
  var owner = NONE;
  var found = vec3<f32>();
  for (var first = 0u; first < u.triangles; first += CHUNK) {
    if (local == 0u) { atomicStore(&metCount, 0u); }
    workgroupBarrier();
    for (var index = first + local; index < min(first + CHUNK, u.triangles); index += INVOCATIONS) {
      let corners = cornersOf(n, index);
      if (corners.drawable && meets(corners.x, origin.x, last.x) && meets(corners.y, origin.y, last.y)) {
        met[atomicAdd(&metCount, 1u)] = index;
      }
    }
    workgroupBarrier();
    if (local == 0u) { total = atomicLoad(&metCount); }
    let count = workgroupUniformLoad(&total);
    for (var done = 0u; done < count; done += INVOCATIONS) {
      if (done + local < count) { setUp(local, n, met[done + local], origin); }
      workgroupBarrier();
      for (var slot = 0u; slot < min(count - done, INVOCATIONS); slot++) {
        let low = lows[slot];
        let high = highs[slot];
        let side = sides[slot];
        let dx = vec3<i32>(side.xy, -side.x - side.y);
        let dy = vec3<i32>(side.zw, -side.z - side.w);
        let edges = edgesAt(Wide3(low.xyz, high.xyz), dx, dy, at);
        if (all(edges.high >= vec3<i32>(0))) {
          let depth = depths[slot];
          let weights = wideToFloat(edges, vec3<f32>(biasOf(dx, dy))) * bitcast<f32>(high.w);
          let z = depth.z + weights.x * depth.x + weights.y * depth.y;
          let key = depthKey(z);
          if (key < nearest || (key == nearest && low.w < owner)) {
            nearest = key;
            owner = low.w;
            found = vec3<f32>(z, weights.xy);
          }
        }
      }
      workgroupBarrier();
    }
  }
  let x = group.x * TILE + place.x;
  let y = group.y * TILE + place.y;
  if (x >= v.width || y >= v.height) { return; }
  var fragment = select(vec4<f32>(0.0, 0.0, 0.0, -1.0), vec4<f32>(found, f32(u.firstTriangle + owner)), owner != NONE);
#if FRONT
  let other = vec4<f32>(front[elementIndex(u.front, n, 0u, y, x)]);
  fragment = select(fragment, other, other.w >= 0.0);
#endif
  fragments[elementIndex(v, n, 0u, y, x)] = Stored4(fragment);
}
