// A map of 1 to 4 channels, or RGBA8 pixels, as a texture of the caller. Channels that the map lacks are 0, alpha 1.
#param FORMAT
#param CHANNELS
#param PIXELS

#if PIXELS
@group(0) @binding(0) var<storage, read> values: array<u32>;
#else
@group(0) @binding(0) var<storage, read> values: array<f32>;
#endif
@group(0) @binding(1) var image: texture_storage_2d<${FORMAT}, write>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = textureDimensions(image);
  if (id.x >= size.x || id.y >= size.y) { return; }
  let pixel = id.y * size.x + id.x;
#if PIXELS
  let texel = unpack4x8unorm(values[pixel]);
#else
  var texel = vec4f(0.0, 0.0, 0.0, 1.0);
#for c in 0..CHANNELS
  texel[${c}] = values[pixel * ${CHANNELS} + ${c}];
#endfor
#endif
  textureStore(image, id.xy, texel);
}
