// A picture of a video as RGBA8 pixels in rows without gaps: all of it, scaled to WIDTH x HEIGHT where it has another size.
#param WIDTH
#param HEIGHT

@group(0) @binding(0) var source: texture_external;
@group(0) @binding(1) var bilinear: sampler;
@group(0) @binding(2) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${WIDTH}u || id.y >= ${HEIGHT}u) { return; }
  let place = (vec2f(id.xy) + 0.5) / vec2f(vec2u(${WIDTH}u, ${HEIGHT}u));
  let colour = textureSampleBaseClampToEdge(source, bilinear, place);
  // Opaque, as what a canvas shows of it.
  pixels[id.y * ${WIDTH}u + id.x] = pack4x8unorm(vec4f(colour.rgb, 1.0));
}
