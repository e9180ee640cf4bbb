/**
 * Pixels and frames that every room speaks of.
 *
 * - *photo px*: pixels of a decoded photo (EXIF orientation applied), x right, y down, pixel centres at integer + 0.5.
 * - *template px*: the 224x224 registration frame, same conventions; z in the same unit, positive away from the camera.
 *
 * Arrays are row-major HxWxC unless a line says otherwise.
 */

/** Side of the template frame in px. */
export const TEMPLATE_SIZE = 224

/** Vertices of the face mesh. */
export const MESH_VERTICES = 468

/** 8-bit RGBA image, sRGB, opaque unless a writer says otherwise; `data` holds height*width*4 bytes. */
export interface Rgba {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** Pixels as browsers give them; `data` holds height*width*4 bytes, RGBA. */
export interface ImageDataLike {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** A Blob or File. */
export interface BlobLike {
  readonly size: number
  arrayBuffer(): Promise<ArrayBuffer>
}

/** What a browser can draw: its present picture is the photo. A bitmap or frame stays the caller's to close. */
export type DrawableImage =
  | ImageBitmap
  | VideoFrame
  | HTMLVideoElement
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas

/** A URL object; only `file:` and base64 `data:` are read. */
export interface UrlLike {
  readonly href: string
  readonly protocol: string
}

/**
 * A photo as callers give it: a file name (in a browser an address), a `file:` or base64 `data:` URL, the bytes of an encoded
 * file (Buffers and Blobs too), pixels, or in a browser what can be drawn there.
 */
export type PhotoInput =
  | string
  | UrlLike
  | Uint8Array
  | Uint8ClampedArray
  | ArrayBuffer
  | DataView
  | BlobLike
  | Rgba
  | ImageDataLike
  | DrawableImage

/** Axis-aligned rectangle; (x, y) is the top left corner. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** 2D similarity without reflection: p' = [a -b; b a] p + (tx, ty). Scale hypot(a, b), angle atan2(b, a). */
export interface Similarity {
  readonly a: number
  readonly b: number
  readonly tx: number
  readonly ty: number
}

/** Similarity of space: x' = scale * R x + t; R is 3x3 row-major with determinant +1. */
export interface Similarity3 {
  readonly rotation: readonly number[]
  readonly scale: number
  readonly translation: readonly [number, number, number]
}
