// Z-buffer: every triangle leaves its mark in the pixels that it covers. Four dispatches of this one pipeline: 0 clears;
// 1 finds the nearest depth of each pixel; 2 finds the lowest triangle index at that depth; 3 lets that triangle
// write its fragment. Atomic minima make the result independent of the order of invocations. Dispatch 2
// recognises the nearest depth by its bits, which is safe because the machine code that computes it is that
// of dispatch 1: do not split the phases into pipelines of their own.
// One invocation per triangle and band of rows; in phase 0 one per `clearRun` pixels.
#include "include/layout.wgsl"
#include "include/grid.wgsl"
#include "include/triangle.wgsl"
#include "include/depth_key.wgsl"
#param FRONT   // another raster lies in front: where it has a triangle, its fragment stays

struct Uniforms {
  vertices: View,
  fragments: View,
#if FRONT
  front: View,
#endif
  phase: u32,
  clearRun: u32,
  triangles: u32,
  // Number of the first triangle in the fragments.
  firstTriangle: u32,
  rowsPerBand: u32,
  // Orientation (see Triangle) of triangles to leave out; 0: none.
  culled: i32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> vertices: array<Stored4>;
@group(0) @binding(2) var<storage, read> triangles: array<vec4<u32>>;
// Two words a pixel: order-preserving key of the depth, triangle index; all ones where empty.
@group(0) @binding(3) var<storage, read_write> marks: array<atomic<u32>>;
// z, weights of the first and second vertex, triangle index
@group(0) @binding(4) var<storage, read_write> fragments: array<Stored4>;
#if FRONT
@group(0) @binding(5) var<storage, read> front: array<Stored4>;
#endif

fn vertexAt(n: u32, index: u32) -> vec3<f32> {
  return vec4<f32>(vertices[elementIndex(u.vertices, n, 0u, 0u, index)]).xyz;
}

// Neighbouring invocations clear neighbouring pixels, `stride` apart from one to the next of their own.
fn clear(first: u32, stride: u32) {
  let v = u.fragments;
  let pixels = planeSize(v);
  for (var i = 0u; i < u.clearRun; i++) {
    let pixel = first + i * stride;
    if (pixel < pixels * v.batches) {
      let n = pixel / pixels;
      var fragment = vec4<f32>(0.0, 0.0, 0.0, -1.0);
#if FRONT
      let other = vec4<f32>(front[u.front.offset + n * u.front.batchStride + (pixel - n * pixels)]);
      let covered = other.w >= 0.0;
      fragment = select(fragment, other, covered);
      // Nearer than any triangle, and of none.
      atomicStore(&marks[pixel * 2u], select(0xffffffffu, 0u, covered));
#else
      atomicStore(&marks[pixel * 2u], 0xffffffffu);
#endif
      atomicStore(&marks[pixel * 2u + 1u], 0xffffffffu);
      fragments[v.offset + n * v.batchStride + (pixel - n * pixels)] = Stored4(fragment);
    }
  }
}

fn scatter(index: u32, band: u32, n: u32) {
  let corners = triangles[min(index, u.triangles - 1u)];
  let a = vertexAt(n, corners.x);
  let b = vertexAt(n, corners.y);
  let c = vertexAt(n, corners.z);
  let drawable = index < u.triangles && inRange(a) && inRange(b) && inRange(c);
  // Conversions of what is out of range would be undefined.
  let x = snap(select(0.0, a.x, drawable), select(0.0, b.x, drawable), select(0.0, c.x, drawable));
  let y = snap(select(0.0, a.y, drawable), select(0.0, b.y, drawable), select(0.0, c.y, drawable));

  // Pixels whose centres lie in the bounding box, the raster and the band.
  let firstRow = i32(band * u.rowsPerBand);
  let lastRow = min(firstRow + i32(u.rowsPerBand), i32(u.fragments.height)) - 1;
  let x0 = max((min(min(x.x, x.y), x.z) + HALF_PIXEL - 1) >> 8u, 0);
  let x1 = min((max(max(x.x, x.y), x.z) - HALF_PIXEL) >> 8u, i32(u.fragments.width) - 1);
  let y0 = max((min(min(y.x, y.y), y.z) + HALF_PIXEL - 1) >> 8u, firstRow);
  let y1 = min((max(max(y.x, y.y), y.z) - HALF_PIXEL) >> 8u, lastRow);

  let t = setUpTriangle(x, y, x0, y0);
  let visible = drawable && t.orientation != 0 && t.orientation != u.culled;
  let pixels = select(0, max(x1 - x0 + 1, 0) * max(y1 - y0 + 1, 0), visible);
  let stepX = wideOfPixels(-t.dy);
  let stepY = wideOfPixels(t.dx);
  let zc = c.z;
  let za = a.z - zc;
  let zb = b.z - zc;

  // One loop over the box, not two: neighbouring invocations then wait for the largest box only, not for the
  // widest row of each.
  var rowEdges = t.edges;
  var edges = t.edges;
  var px = x0;
  let width = u.fragments.width;
  var pixel = u32(y0) * width + u32(x0);
  let firstMark = n * planeSize(u.fragments) * 2u;
  let firstFragment = u.fragments.offset + n * u.fragments.batchStride;
  for (var i = 0; i < pixels; i++) {
    if (all(edges.high >= vec3<i32>(0))) {
      let weights = weightsAt(t, edges);
      let z = zc + weights.x * za + weights.y * zb;
      let key = depthKey(z);
      let mark = firstMark + pixel * 2u;
      if (u.phase == 1u) {
        atomicMin(&marks[mark], key);
      } else if (u.phase == 2u) {
        if (atomicLoad(&marks[mark]) == key) {
          atomicMin(&marks[mark + 1u], index);
        }
      } else if (atomicLoad(&marks[mark + 1u]) == index) {
        fragments[firstFragment + pixel] = Stored4(vec4<f32>(z, weights.xy, f32(u.firstTriangle + index)));
      }
    }
    px++;
    pixel++;
    edges = wideAdd(edges, stepX);
    if (px > x1) {
      px = x0;
      pixel += width - u32(x1 - x0 + 1);
      rowEdges = wideAdd(rowEdges, stepY);
      edges = rowEdges;
    }
  }
}

@compute @workgroup_size(64, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  if (u.phase == 0u) {
    clear(linearIndex(group, groups, local), groups.x * groups.y * 64u);
  } else {
    scatter(group.x * 64u + local, group.y, group.z);
  }
}
