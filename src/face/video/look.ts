import { at } from '../../geometry/array.js'
import { fromBase64, toBase64 } from '../../geometry/base64.js'
import { applySimilarityToPoints } from '../../geometry/similarity.js'
import { MESH_VERTICES, type Rgba, TEMPLATE_SIZE } from '../../geometry/types.js'
import { type Appearance, appearanceDistance, appearanceOf } from '../find/appearance.js'
import type { FaceFrame } from '../types.js'
import { AVERAGE_LOOK, LOOK_UNIT } from './average-look.js'

/*
 * Whether two faces of one recording are one person's. The mesh says where each point of the face is in the picture, so skin can
 * be compared point by point whatever the expression. Two things are: local contrast, grey levels at the vertices between two blurs
 * and over their spread, less those of the average face; and the coarser luminance and colour of `find/appearance.ts`. Under one
 * studio's light strangers are much the same in the second, and a face that turns soon differs from itself in the first. Of 37,000 pairs of
 * strangers, 900 of them under one light, none was alike by the rule below; of 580 pairs of frames of one person 90 % were.
 */

/** How a face looks, in whole numbers, so that what is saved is what is compared. */
export interface Look {
  /** 468, only their direction counts. */
  readonly contrast: Int8Array<ArrayBuffer>
  /** 936, see `appearanceOf`, in steps of 1 / COLOUR_STEPS. */
  readonly colours: Int16Array<ArrayBuffer>
}

const COLOUR_STEPS = 2 ** 14

/** Contrast as similar as this is one person's. Strangers under one light reach 0.67. */
const ALIKE = 0.68
/** So is less similar contrast with colours as near as this. Strangers of such contrast are 0.50 apart and more. */
const ALIKE_WITH_COLOURS = 0.5
const NEAR_COLOURS = 0.42

/** Template px: finer is noise of small faces, coarser is light. */
const FINE = 1.5
const COARSE = 5
/** Spread in grey levels below which a region has no texture. */
const SPREAD_FLOOR = 4

/** The look of a registered face. */
export function lookOf({ image, registered, landmarks468, toTemplate }: FaceFrame): Look {
  const raw = rawLook(registered, applySimilarityToPoints(toTemplate, landmarks468, 3))
  let largest = 1e-6
  for (let v = 0; v < MESH_VERTICES; v++) {
    raw[v] = at(raw, v) - at(AVERAGE_LOOK, v) / LOOK_UNIT
    largest = Math.max(largest, Math.abs(at(raw, v)))
  }
  return {
    contrast: Int8Array.from(raw, (value) => Math.round((127 * value) / largest)),
    colours: Int16Array.from(appearanceOf(image, landmarks468), (value) => Math.round(COLOUR_STEPS * value)),
  }
}

/**
 * Local contrast at the vertices, of mean 0.
 * @param mesh 468x3, template px
 */
export function rawLook(registered: Rgba, mesh: ArrayLike<number>): Float64Array {
  const pixels = TEMPLATE_SIZE * TEMPLATE_SIZE
  const grey = new Float64Array(pixels)
  const { data } = registered
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = [data[4 * i] as number, data[4 * i + 1] as number, data[4 * i + 2] as number]
    grey[i] = 0.299 * r + 0.587 * g + 0.114 * b
  }
  // Contrast is looked up at the vertices, so it is needed about them only: for every frame this is most of what the CPU does.
  const face = boundsOf(mesh)
  const coarse = blurred(grey, COARSE, enlarged(face, radiusOf(COARSE)))
  const squares = grey.map((value, i) => (value - (coarse[i] as number)) ** 2)
  const spread = blurred(squares, COARSE, face)
  const contrast = blurred(grey, FINE, face)
  for (let i = 0; i < pixels; i++) {
    const difference = (contrast[i] as number) - (coarse[i] as number)
    contrast[i] = difference / (Math.sqrt(spread[i] as number) + SPREAD_FLOOR)
  }
  const look = new Float64Array(MESH_VERTICES)
  let mean = 0
  for (let v = 0; v < MESH_VERTICES; v++) {
    look[v] = sample(contrast, at(mesh, 3 * v) - 0.5, at(mesh, 3 * v + 1) - 0.5)
    mean += at(look, v) / MESH_VERTICES
  }
  return look.map((value) => value - mean)
}

/** Cosine of two looks' contrasts in [-1, 1]: above 0.8 from frame to frame of a video, about 0 between strangers. */
export function similarity({ contrast: a }: Look, { contrast: b }: Look): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let v = 0; v < MESH_VERTICES; v++) {
    dot += at(a, v) * at(b, v)
    aa += at(a, v) ** 2
    bb += at(b, v) ** 2
  }
  return aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : 0
}

/** Whether two looks are one person's, without knowing where the faces were. */
export function isAlike(a: Look, b: Look): boolean {
  const contrast = similarity(a, b)
  if (contrast >= ALIKE) return true
  return contrast >= ALIKE_WITH_COLOURS && appearanceDistance(colours(a), colours(b)) <= NEAR_COLOURS
}

/** What {@link isAlike} asks for, in words. */
export const ALIKE_WORDS = `needed are ${ALIKE}, or ${ALIKE_WITH_COLOURS} where the colours are the same`

function colours(look: Look): Appearance {
  return Float32Array.from(look.colours, (value) => value / COLOUR_STEPS)
}

export function encodeLook({ contrast, colours: own }: Look): string {
  const bytes = new Uint8Array(contrast.byteLength + own.byteLength)
  bytes.set(new Uint8Array(own.buffer))
  bytes.set(new Uint8Array(contrast.buffer), own.byteLength)
  return toBase64(bytes)
}

/** @returns null if the text holds no look */
export function decodeLook(text: string): Look | null {
  const bytes = fromBase64(text)
  const split = 2 * MESH_VERTICES * 2
  if (bytes?.length !== split + MESH_VERTICES) return null
  return {
    colours: new Int16Array(bytes.buffer.slice(0, split)),
    contrast: new Int8Array(bytes.buffer.slice(split)),
  }
}

/** Pixels [left, right) x [top, bottom) of the template. */
interface Bounds {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** The pixels that samples at the vertices read, and one about them. */
function boundsOf(mesh: ArrayLike<number>): Bounds {
  const inside = (value: number): number => Math.min(TEMPLATE_SIZE - 1, Math.max(0, Math.floor(value)))
  let [left, top, right, bottom] = [TEMPLATE_SIZE, TEMPLATE_SIZE, 0, 0]
  for (let v = 0; v < MESH_VERTICES; v++) {
    const [x, y] = [inside(at(mesh, 3 * v)), inside(at(mesh, 3 * v + 1))]
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  return enlarged({ left, top, right, bottom }, 2)
}

function enlarged({ left, top, right, bottom }: Bounds, by: number): Bounds {
  const inside = (value: number): number => Math.min(TEMPLATE_SIZE, Math.max(0, value))
  return {
    left: inside(left - by),
    top: inside(top - by),
    right: inside(right + by),
    bottom: inside(bottom + by),
  }
}

function radiusOf(sigma: number): number {
  return Math.ceil(3 * sigma)
}

/** Gaussian blur of a template frame, edges continued, within `bounds`; 0 elsewhere. */
function blurred(image: Float64Array, sigma: number, bounds: Bounds): Float64Array {
  const n = TEMPLATE_SIZE
  const radius = radiusOf(sigma)
  const weights = Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2)),
  )
  const total = weights.reduce((sum, w) => sum + w, 0)
  const kernel = Float64Array.from(weights, (w) => w / total)
  const line = new Float64Array(n + 2 * radius)
  const pass = (
    source: Float64Array,
    step: number,
    stride: number,
    [from, to]: readonly [number, number],
    [first, last]: readonly [number, number],
  ): Float64Array => {
    const out = new Float64Array(n * n)
    for (let row = from; row < to; row++) {
      for (let i = first; i < last + 2 * radius; i++) {
        line[i] = source[row * stride + Math.min(n - 1, Math.max(0, i - radius)) * step] as number
      }
      for (let i = first; i < last; i++) {
        let sum = 0
        for (let k = 0; k < kernel.length; k++) sum += (kernel[k] as number) * (line[i + k] as number)
        out[row * stride + i * step] = sum
      }
    }
    return out
  }
  const { left, top, right, bottom } = bounds
  const rows = enlarged(bounds, radius)
  const across = pass(image, 1, n, [rows.top, rows.bottom], [left, right])
  return pass(across, n, 1, [left, right], [top, bottom])
}

/** Bilinear, edges continued. */
function sample(image: Float64Array, x: number, y: number): number {
  const last = TEMPLATE_SIZE - 1
  const [u, v] = [Math.min(last, Math.max(0, x)), Math.min(last, Math.max(0, y))]
  const [i, j] = [Math.min(last - 1, Math.floor(u)), Math.min(last - 1, Math.floor(v))]
  const [fx, fy] = [u - i, v - j]
  const pixel = (dx: number, dy: number) => at(image, (j + dy) * TEMPLATE_SIZE + i + dx)
  return (
    (1 - fy) * ((1 - fx) * pixel(0, 0) + fx * pixel(1, 0)) + fy * ((1 - fx) * pixel(0, 1) + fx * pixel(1, 1))
  )
}
