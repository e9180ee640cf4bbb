// A texture of the caller as RGBA8 pixels in rows without gaps.
#param SRGB

@group(0) @binding(0) var source: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> pixels: array<u32>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = textureDimensions(source);
  if (id.x >= size.x || id.y >= size.y) { return; }
  var colour = textureLoad(source, id.xy, 0);
#if SRGB
  // Loads decode the bytes; they are what is wanted.
  let curved = 1.055 * pow(colour.rgb, vec3f(1.0 / 2.4)) - 0.055;
  colour = vec4f(select(curved, 12.92 * colour.rgb, colour.rgb <= vec3f(0.0031308)), colour.a);
#endif
  pixels[id.y * size.x + id.x] = pack4x8unorm(colour);
}
