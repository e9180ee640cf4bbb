import { at } from '../../geometry/array.js'
import { fromBase64, toBase64 } from '../../geometry/base64.js'
import { applySimilarityToPoints } from '../../geometry/similarity.js'
import { MESH_VERTICES, type Rgba } from '../../geometry/types.js'
import type { FaceFrame } from '../types.js'
import { AVERAGE_LOOK, LOOK_UNIT } from './average-look.js'
import { type Colours, colourDistance, coloursOf } from './colours.js'
import { contrastOf } from './contrast.js'

/*
 * Whether two faces of one recording are one person's. The mesh says where each point of the face is in the picture, so skin can
 * be compared point by point whatever the expression. Two things are: local contrast, grey levels at the vertices between two blurs
 * and over their spread, less those of the average face; and the coarser luminance and colour of `colours.ts`. Under one
 * studio's light strangers are much the same in the second, and a face that turns soon differs from itself in the first. Of 37,000 pairs of
 * strangers, 900 of them under one light, none was alike by the rule below; of 580 pairs of frames of one person 90 % were.
 */

/** How a face looks, in whole numbers, so that what is saved is what is compared. */
export interface Look {
  /** 468, only their direction counts. */
  readonly contrast: Int8Array<ArrayBuffer>
  /** 936, see `coloursOf`, in steps of 1 / COLOUR_STEPS. */
  readonly colours: Int16Array<ArrayBuffer>
}

const COLOUR_STEPS = 2 ** 14

const ALL_VERTICES: readonly number[] = /* @__PURE__ */ Array.from({ length: MESH_VERTICES }, (_, v) => v)
const NOSE_TIP = 4

/** Contrast as similar as this is one person's. Strangers under one light reach 0.67. */
const ALIKE = 0.68
/** So is less similar contrast with colours as near as this. Strangers of such contrast are 0.50 apart and more. */
const ALIKE_WITH_COLOURS = 0.5
const NEAR_COLOURS = 0.42

/** The look of a registered face. */
export function lookOf({ image, registered, landmarks468, toTemplate }: FaceFrame): Look {
  return lookIn(registered, applySimilarityToPoints(toTemplate, landmarks468, 3), image, landmarks468)
}

/**
 * How unlike two registered faces look: distance of their colours less 1.5 times the similarity of their contrasts. One person's
 * lie below 0.1, two people's mostly above 0.3; in one studio's light half of them above 0.1.
 * @param meshes 468x3 of each, template px
 */
export function unlikeness(
  [a, b]: readonly [Rgba, Rgba],
  [meshA, meshB]: readonly [Float32Array, Float32Array],
): number {
  const [ofA, ofB] = [lookIn(a, meshA, a, meshA), lookIn(b, meshB, b, meshB)]
  return colourDistance(colours(ofA), colours(ofB)) - CONTRAST_SHARE * similarity(ofA, ofB)
}

const CONTRAST_SHARE = 1.5

/** @param mesh 468x3 of the face in the registered frame; `pictureMesh` in the picture that the colours are taken from */
function lookIn(registered: Rgba, mesh: Float32Array, picture: Rgba, pictureMesh: Float32Array): Look {
  const raw = contrastOf(registered, mesh)
  let largest = 1e-6
  for (let v = 0; v < MESH_VERTICES; v++) {
    raw[v] = at(raw, v) - at(AVERAGE_LOOK, v) / LOOK_UNIT
    largest = Math.max(largest, Math.abs(at(raw, v)))
  }
  return {
    contrast: Int8Array.from(raw, (value) => Math.round((127 * value) / largest)),
    colours: Int16Array.from(coloursOf(picture, pictureMesh), (value) => Math.round(COLOUR_STEPS * value)),
  }
}

/**
 * Cosine of two looks' contrasts in [-1, 1]: above 0.8 from frame to frame of a video, about 0 between strangers.
 * @param vertices that are compared; default all
 */
export function similarity(
  { contrast: a }: Look,
  { contrast: b }: Look,
  vertices: readonly number[] = ALL_VERTICES,
): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (const v of vertices) {
    dot += at(a, v) * at(b, v)
    aa += at(a, v) ** 2
    bb += at(b, v) ** 2
  }
  return aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : 0
}

/** Vertices of a registered face above the tip of its nose, and below it: a hand or a mask leaves the first free, sunglasses the others. */
export function halvesOf({ landmarks468, toTemplate }: FaceFrame): readonly [number[], number[]] {
  const mesh = applySimilarityToPoints(toTemplate, landmarks468, 3)
  const isAbove = (v: number) => at(mesh, 3 * v + 1) < at(mesh, 3 * NOSE_TIP + 1)
  return [ALL_VERTICES.filter(isAbove), ALL_VERTICES.filter((v) => !isAbove(v))]
}

/** Whether two looks are one person's, without knowing where the faces were. */
export function isAlike(a: Look, b: Look): boolean {
  const contrast = similarity(a, b)
  if (contrast >= ALIKE) return true
  return contrast >= ALIKE_WITH_COLOURS && colourDistance(colours(a), colours(b)) <= NEAR_COLOURS
}

/** What {@link isAlike} asks for, in words. */
export const ALIKE_WORDS = `needed are ${ALIKE}, or ${ALIKE_WITH_COLOURS} where the colours are the same`

function colours(look: Look): Colours {
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
