// Z-buffer rasteriser, shader and flow tracer of the pair generator.
//
// Conventions: pixel centres at integer + 0.5; smaller z is nearer; top-left fill rule; equal depth goes to the lower triangle index.
// Vertices are n x 3 floats, triangles m x 3 ints. Images are row-major, `width` x `height`.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define SUBPIXEL 256  // vertices are snapped to 1/256 px, so that edge tests are exact in integers
#define FAR 1e9f

enum { FACE = 0, HEAD_NECK = 1, MOUTH_SOCKET = 2, TEETH = 3, FIRST_EYE = 4 };
enum { NONE = 0, VISIBLE = 1, HIDDEN = 2 };

typedef int64_t i64;
typedef struct { i64 x, y; } Point;

static inline Point snap(const float *v, float scale) {
  return (Point){lrintf(v[0] * scale * SUBPIXEL), lrintf(v[1] * scale * SUBPIXEL)};
}
static inline i64 edge(Point a, Point b, i64 x, i64 y) { return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x); }
static inline i64 fill_bias(Point a, Point b) {  // 0 on top and left edges, which own their pixels; -1 elsewhere
  i64 dx = b.x - a.x, dy = b.y - a.y;
  return dy < 0 || (dy == 0 && dx > 0) ? 0 : -1;
}
static inline i64 min3(i64 a, i64 b, i64 c) { i64 m = a < b ? a : b; return c < m ? c : m; }
static inline i64 max3(i64 a, i64 b, i64 c) { i64 m = a > b ? a : b; return c > m ? c : m; }
static inline int clamp(i64 v, int low, int high) { return v < low ? low : v > high ? high : (int)v; }

// depth: z or FAR; owner: triangle index or -1; weights: barycentric weights of vertices 0 and 1.
// subset: optional list of `count` triangle indices (NULL: the first `count`). Positions are multiplied by `scale`, z is not.
void rasterise(const float *vertices, const int *triangles, const int *subset, int count, int width, int height, float scale,
               float *depth, int *owner, float *weights) {
  for (int i = 0; i < width * height; i++) { depth[i] = FAR; owner[i] = -1; }
  for (int k = 0; k < count; k++) {
    int t = subset ? subset[k] : k;
    const float *va = vertices + 3 * triangles[3 * t], *vb = vertices + 3 * triangles[3 * t + 1], *vc = vertices + 3 * triangles[3 * t + 2];
    Point a = snap(va, scale), b = snap(vb, scale), c = snap(vc, scale);
    i64 area = edge(a, b, c.x, c.y);
    if (!area) continue;
    int swapped = area < 0;
    if (swapped) {
      Point p = b; b = c; c = p;
      const float *v = vb; vb = vc; vc = v;
      area = -area;
    }
    const int half = SUBPIXEL / 2;
    if (max3(a.x, b.x, c.x) < half || max3(a.y, b.y, c.y) < half) continue;
    int x0 = clamp((min3(a.x, b.x, c.x) - half + SUBPIXEL - 1) >> 8, 0, width), x1 = clamp((max3(a.x, b.x, c.x) - half) >> 8, -1, width - 1);
    int y0 = clamp((min3(a.y, b.y, c.y) - half + SUBPIXEL - 1) >> 8, 0, height), y1 = clamp((max3(a.y, b.y, c.y) - half) >> 8, -1, height - 1);
    i64 bias_a = fill_bias(b, c), bias_b = fill_bias(c, a), bias_c = fill_bias(a, b);
    float inverse = 1.f / (float)area;
    for (int y = y0; y <= y1; y++) {
      for (int x = x0; x <= x1; x++) {
        i64 px = (i64)x * SUBPIXEL + half, py = (i64)y * SUBPIXEL + half;
        i64 ea = edge(b, c, px, py), eb = edge(c, a, px, py), ec = edge(a, b, px, py);
        if (ea + bias_a < 0 || eb + bias_b < 0 || ec + bias_c < 0) continue;
        float wa = ea * inverse, wb = eb * inverse, wc = 1 - wa - wb, z = wa * va[2] + wb * vb[2] + wc * vc[2];
        int i = y * width + x;
        if (z < depth[i]) { depth[i] = z; owner[i] = t; weights[2 * i] = wa; weights[2 * i + 1] = swapped ? wc : wb; }
      }
    }
  }
}

// Unit normals of the vertices, weighted by the triangles' areas.
void vertex_normals(const float *vertices, int n, const int *triangles, int m, float *normals) {
  memset(normals, 0, sizeof(float) * 3 * n);
  for (int t = 0; t < m; t++) {
    const int *corner = triangles + 3 * t;
    const float *a = vertices + 3 * corner[0], *b = vertices + 3 * corner[1], *c = vertices + 3 * corner[2];
    float u[3] = {b[0] - a[0], b[1] - a[1], b[2] - a[2]}, w[3] = {c[0] - a[0], c[1] - a[1], c[2] - a[2]};
    float cross[3] = {u[1] * w[2] - u[2] * w[1], u[2] * w[0] - u[0] * w[2], u[0] * w[1] - u[1] * w[0]};
    for (int j = 0; j < 3; j++) for (int d = 0; d < 3; d++) normals[3 * corner[j] + d] += cross[d];
  }
  for (int i = 0; i < n; i++) {
    float *p = normals + 3 * i, scale = 1.f / (sqrtf(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) + 1e-12f);
    p[0] *= scale; p[1] *= scale; p[2] *= scale;
  }
}

// Three floats per vertex, interpolated where a triangle owns the pixel, else 0.
void interpolate(int pixels, const int *owner, const float *weights, const int *triangles, const float *attribute, float *out) {
  for (int i = 0; i < pixels; i++) {
    int t = owner[i];
    if (t < 0) { out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = 0; continue; }
    float wa = weights[2 * i], wb = weights[2 * i + 1], wc = 1 - wa - wb;
    const float *a = attribute + 3 * triangles[3 * t], *b = attribute + 3 * triangles[3 * t + 1], *c = attribute + 3 * triangles[3 * t + 2];
    for (int d = 0; d < 3; d++) out[3 * i + d] = wa * a[d] + wb * b[d] + wc * c[d];
  }
}

// Bilinear texture lookup; u to the right, v upwards, both in [0, 1].
static inline void sample(const uint8_t *texture, int size, float u, float v, float *out) {
  float x = u * size - .5f, y = (1 - v) * size - .5f, limit = size - 1.001f;
  x = x < 0 ? 0 : x > limit ? limit : x;
  y = y < 0 ? 0 : y > limit ? limit : y;
  int column = (int)x, row = (int)y;
  x -= column; y -= row;
  const uint8_t *top = texture + 3 * (row * size + column), *bottom = top + 3 * size;
  for (int d = 0; d < 3; d++) out[d] = (top[d] * (1 - x) + top[d + 3] * x) * (1 - y) + (bottom[d] * (1 - x) + bottom[d + 3] * x) * y;
}

// Lambert + Phong shading into rgb (float, 0..255 and beyond), over whatever rgb holds where no triangle is.
// part: see the enum. colours: 3 floats for each of the parts 0..3 (face unused). light: ambient rgb, then for each lamp the direction
// towards it (xyz) and its rgb. gloss: strength and exponent of the highlight.
void shade(int width, int height, const int *owner, const float *weights, const int *triangles, const int *triangle_uv, const uint8_t *part,
           const float *uv, const float *normals, const uint8_t *skin, int skin_size, const uint8_t *eye, int eye_size,
           const float *colours, const float *light, int lamps, const float *gloss, float *rgb) {
  for (int i = 0; i < width * height; i++) {
    int t = owner[i];
    if (t < 0) continue;
    float w[3] = {weights[2 * i], weights[2 * i + 1], 0}, u = 0, v = 0, n[3] = {0, 0, 0}, albedo[3];
    w[2] = 1 - w[0] - w[1];
    for (int j = 0; j < 3; j++) {
      u += w[j] * uv[2 * triangle_uv[3 * t + j]];
      v += w[j] * uv[2 * triangle_uv[3 * t + j] + 1];
      for (int d = 0; d < 3; d++) n[d] += w[j] * normals[3 * triangles[3 * t + j] + d];
    }
    int p = part[t];
    if (p == FACE) sample(skin, skin_size, u, v, albedo);
    else if (p >= FIRST_EYE) sample(eye, eye_size, u, v, albedo);
    else for (int d = 0; d < 3; d++) albedo[d] = colours[3 * p + d] * (p == HEAD_NECK ? 1 + .12f * sinf(90 * u) * sinf(70 * v) : 1);
    float scale = 1.f / (sqrtf(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9f), highlight = 0;
    for (int d = 0; d < 3; d++) n[d] *= scale;
    float received[3] = {light[0], light[1], light[2]};
    for (int k = 0; k < lamps; k++) {
      const float *to = light + 3 + 6 * k, *colour = to + 3;
      float cosine = n[0] * to[0] + n[1] * to[1] + n[2] * to[2];
      if (cosine <= 0) continue;
      float reflected = 2 * cosine * n[2] - to[2];  // z of the mirrored direction; the viewer is at -z
      if (reflected < 0) highlight += gloss[0] * powf(-reflected, gloss[1]) * colour[0];
      for (int d = 0; d < 3; d++) received[d] += cosine * colour[d];
    }
    float dim = p == MOUTH_SOCKET ? .35f : p == TEETH ? .8f : 1, wet = p == MOUTH_SOCKET ? 0 : p >= FIRST_EYE ? 2 : 1;
    for (int d = 0; d < 3; d++) rgb[3 * i + d] = albedo[d] * received[d] * dim + 255 * highlight * wet;
  }
}

// Flow of every pixel of frame A whose triangle is marked in `traced`: where its surface point lies in B, and whether B's z-buffer shows
// it there. tolerance: px of depth that a point may lie behind the surface and still count as seen.
void trace_flow(int width, int height, const int *owner, const float *weights, const int *triangles, const uint8_t *traced,
                const float *va, const float *vb, const float *depth_b, const float *normals_b, float tolerance, float *flow, uint8_t *state) {
  for (int i = 0; i < width * height; i++) {
    int t = owner[i];
    flow[3 * i] = flow[3 * i + 1] = flow[3 * i + 2] = 0;
    state[i] = NONE;
    if (t < 0 || !traced[t]) continue;
    float w[3] = {weights[2 * i], weights[2 * i + 1], 0}, b[3] = {0, 0, 0}, facing = 0;
    w[2] = 1 - w[0] - w[1];
    for (int j = 0; j < 3; j++) {
      int q = triangles[3 * t + j];
      facing += w[j] * normals_b[3 * q + 2];
      for (int d = 0; d < 3; d++) { flow[3 * i + d] += w[j] * (vb[3 * q + d] - va[3 * q + d]); b[d] += w[j] * vb[3 * q + d]; }
    }
    int x = (int)floorf(b[0] - .5f), y = (int)floorf(b[1] - .5f), seen = 0;
    if (x >= 0 && y >= 0 && x < width - 1 && y < height - 1 && facing <= .05f) {
      const float *d = depth_b + y * width + x;
      float farthest = fmaxf(fmaxf(d[0], d[1]), fmaxf(d[width], d[width + 1]));
      seen = b[2] <= farthest + tolerance;
    }
    state[i] = seen ? VISIBLE : HIDDEN;
  }
}
