import { DataTexture, LinearFilter, NoColorSpace, Texture } from 'three'
import type { Rgba } from '../package.js'

/** A picture as a texture whose colours pass as they are; rows from the top, as texture coordinates here count them. */
export function textureOf(image: Rgba | ImageBitmap): Texture {
  const texture =
    'data' in image
      ? new DataTexture(new Uint8Array(image.data), image.width, image.height)
      : new Texture(image as unknown as HTMLImageElement)
  texture.flipY = false
  texture.colorSpace = NoColorSpace
  texture.minFilter = LinearFilter
  texture.magFilter = LinearFilter
  texture.generateMipmaps = false
  texture.needsUpdate = true
  return texture
}
