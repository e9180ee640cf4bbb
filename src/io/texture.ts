import type { RegisteredFlowResult } from '../face/types.js'
import { hasPhotos } from '../face/types.js'
import { applySimilarityToPoints, invertSimilarity } from '../geometry/similarity.js'
import type { Rgba } from '../geometry/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { cropAndResize, encodeJpeg } from '../platform/index.js'

/** Longer side of the texture in a glTF file, px: enough for a face, small enough to mail. */
const MAX_TEXTURE = 1024
/** Rim around the mesh, as a share of its size, so that filtering at the border finds skin. */
const MARGIN = 0.05

/** A JPEG, and where each vertex lies on it: Vx2 in [0, 1], origin in the top left corner. */
export interface FaceTexture {
  readonly image: Uint8Array
  readonly uv: Float32Array
}

/**
 * The picture of A that the mesh is textured with, and where each vertex lies on it: the photo at its own
 * resolution when there is one, else the registered image.
 */
export async function faceTexture(result: RegisteredFlowResult): Promise<FaceTexture> {
  const vertices = hasPhotos(result)
    ? applySimilarityToPoints(invertSimilarity(result.a.toTemplate), result.meshA, 3)
    : result.meshA
  return await pictureTexture(hasPhotos(result) ? result.a.image : result.registeredA, vertices)
}

/** The part of a picture that a mesh lies on. @param vertices Vx3, px of the picture */
export async function pictureTexture(source: Rgba, vertices: Float32Array): Promise<FaceTexture> {
  const box = boundingBox(vertices, source)
  const [width, height] = [powerOfTwo(box.width), powerOfTwo(box.height)]
  const uv = new Float32Array((vertices.length / 3) * 2)
  for (let v = 0; v < vertices.length / 3; v++) {
    uv[2 * v] = clampUnit(((vertices[3 * v] as number) - box.x) / box.width)
    uv[2 * v + 1] = clampUnit(((vertices[3 * v + 1] as number) - box.y) / box.height)
  }
  return { image: await encodeJpeg(await cropAndResize(source, box, width, height)), uv }
}

/** Colour of the pixel under each vertex of a mesh in template px. @returns Vx3, 8-bit RGB */
export function vertexColours(image: Rgba, vertices: Float32Array): Uint8Array {
  const colours = new Uint8Array(vertices.length)
  for (let v = 0; v < vertices.length / 3; v++) {
    const x = clampPixel(vertices[3 * v] as number)
    const y = clampPixel(vertices[3 * v + 1] as number)
    const from = 4 * (y * image.width + x)
    colours.set(image.data.subarray(from, from + 3), 3 * v)
  }
  return colours
}

/** Whole pixels of the photo around the mesh. */
function boundingBox(vertices: Float32Array, image: Rgba) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let i = 0; i < vertices.length; i += 3) {
    const [x, y] = [vertices[i] as number, vertices[i + 1] as number]
    x0 = Math.min(x0, x)
    y0 = Math.min(y0, y)
    x1 = Math.max(x1, x)
    y1 = Math.max(y1, y)
  }
  const margin = MARGIN * Math.max(x1 - x0, y1 - y0)
  // A face cut by the border keeps at least one pixel to show.
  const left = Math.min(image.width - 1, Math.max(0, Math.floor(x0 - margin)))
  const top = Math.min(image.height - 1, Math.max(0, Math.floor(y0 - margin)))
  const right = Math.max(left + 1, Math.min(image.width, Math.ceil(x1 + margin)))
  const bottom = Math.max(top + 1, Math.min(image.height, Math.ceil(y1 + margin)))
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** Texture side for so many photo px: powers of two are what every viewer can filter. */
function powerOfTwo(pixels: number): number {
  return Math.min(MAX_TEXTURE, 2 ** Math.ceil(Math.log2(pixels)))
}

function clampUnit(value: number): number {
  return Math.max(0, Math.min(1, value))
}

function clampPixel(value: number): number {
  return Math.max(0, Math.min(TEMPLATE_SIZE - 1, Math.floor(value)))
}
