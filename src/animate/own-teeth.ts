import { unlikeness } from '../face/look/look.js'
import type { FaceFrame } from '../face/types.js'
import { at } from '../geometry/array.js'
import { sampleColour } from '../geometry/sample-colour.js'
import { applySimilarityToPoints } from '../geometry/similarity.js'
import type { Rgba } from '../geometry/types.js'
import { MAX_UNLIKENESS } from '../products/warnings.js'
import { EYE_CORNERS, type FaceTriangles, INNER_LIPS, OUTER_LIPS } from './face-parts.js'
import { smoothStep } from './head-depth.js'
import { mouthPlaces } from './inner-mouth.js'
import { MOUTH_PATCH, type MouthTexels, mouthTexels, texelPlace } from './mouth-patch.js'
import type { PhotoHead } from './photo-head.js'
import { distance } from './points.js'

/** A photo whose mouth is open by this, widths of the mouth, shows teeth, which stay the person's own. */
export const SHOWS_TEETH = 0.06
/** Wider open it shows the lower teeth too, which do not stay where they are. */
const SHOWS_BOTH_ROWS = 0.25
/** Lips that move by this, distances of the outer eye corners, no longer take the teeth along. */
const LETS_GO = 0.02
/** Of the photo's opening: what the rim of its lips takes, and over how much the teeth fade behind it. */
const RIM = 0.05
const FADE = 0.15
/** Below the photo's teeth comes what another mouth shows below its own: its lower half. */
const LOWER_HALF = 0.5
/** Of a mouth less open than the first, widths of the mouth, the inside is not seen; from the second on it is. */
const SEEN_FROM = [0.04, 0.12] as const
/** What is not seen is dark: so much of the lips' light. */
const DARKNESS = 0.3
/** Of the other mouth's light, right behind the teeth. */
const SHADOW = 0.35

/** By the check `IDENTITY` of pairs. A driver who is the photo's person shows the same teeth, as they are in each frame. */
export function isSamePerson(photo: LookedAt, driver: LookedAt): boolean {
  const meshOf = ({ toTemplate, landmarks468 }: LookedAt) =>
    applySimilarityToPoints(toTemplate, landmarks468, 3)
  const figure = unlikeness([photo.registered, driver.registered], [meshOf(photo), meshOf(driver)])
  return figure <= MAX_UNLIKENESS
}

type LookedAt = Pick<FaceFrame, 'registered' | 'landmarks468' | 'toTemplate'>
type Colour = [number, number, number]
type Polyline = readonly (readonly [along: number, down: number])[]

/**
 * The teeth that a photo shows, which are the skull's and not the lips': drawn out with the lips they would be as long as the mouth is
 * open. Moved lips bare and cover them; what is bared below is another mouth's.
 */
export class OwnTeeth {
  readonly #texels: MouthTexels
  /** First row of each column of the patch, and the one behind the last. */
  readonly #rows: Int16Array
  /** The inner lips, corner to corner: px along the mouth and down from its first corner. */
  readonly #upper: Polyline
  readonly #lower: Polyline
  readonly #corner: readonly [number, number]
  readonly #axis: readonly [number, number]
  readonly #opening: number
  /** In [0, 1]. */
  readonly #lips: Colour

  /** @param head that of the image */
  constructor(
    faces: FaceTriangles,
    private readonly head: PhotoHead,
    private readonly image: Rgba,
  ) {
    this.#texels = mouthTexels(faces)
    this.#rows = rowsOf(this.#texels)
    const places = mouthPlaces(head.mesh)
    const place = (i: number): [number, number] => [at(places, 2 * i), at(places, 2 * i + 1)]
    const [[x, y], [endX, endY]] = [place(0), place(HALF)]
    const width = Math.hypot(endX - x, endY - y)
    this.#corner = [x, y]
    this.#axis = [(endX - x) / width, (endY - y) / width]
    const line = (placeOf: (i: number) => number): Polyline =>
      Array.from({ length: HALF + 1 }, (_, i) => this.#inMouth(...place(placeOf(i))))
    this.#upper = line((i) => i)
    this.#lower = line((i) => (INNER_LIPS.length - i) % INNER_LIPS.length)
    this.#opening = downAt(this.#lower, width / 2) - downAt(this.#upper, width / 2)
    this.#lips = this.#lipColour()
  }

  /** Whether a photo shows teeth, and those of the upper jaw alone. */
  static areShownBy({ mouthOpening }: PhotoHead): boolean {
    return mouthOpening > SHOWS_TEETH && mouthOpening <= SHOWS_BOTH_ROWS
  }

  /**
   * How much a patch with the teeth covers what the photo shows there, in [0, 1]: nothing of a mouth at rest, whose teeth are where they are.
   * @param mesh 468x3, the photo's with the expression
   */
  strength(mesh: Float64Array): number {
    const farthest = Math.max(
      ...INNER_LIPS.map((v) =>
        Math.hypot(...[0, 1, 2].map((axis) => at(mesh, 3 * v + axis) - at(this.head.mesh, 3 * v + axis))),
      ),
    )
    return smoothStep(0, LETS_GO, farthest / distance(this.head.mesh, ...EYE_CORNERS))
  }

  /**
   * @param patch of `InnerMouth.cut`, another mouth
   * @param opening of that mouth, widths of it
   * @param mesh as of `strength`
   * @returns the patch with the photo's teeth before it; of the same alpha
   */
  over(patch: Float32Array, opening: number, mesh: Float64Array): Float32Array {
    const { indices } = this.#texels
    const teeth = this.#teethAt(mouthPlaces(mesh))
    const reach = this.#reachOf(teeth)
    const seen = smoothStep(...SEEN_FROM, opening)
    const out = new Float32Array(patch.length)
    const behind: Colour = [0, 0, 0]
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i] as number
      const alpha = patch[4 * index + 3] as number
      if (alpha <= 0) continue
      const depth = this.#behind(behind, patch, index, reach)
      const share = teeth[4 * i + 3] as number
      // The teeth cast their shadow.
      const light = seen * (SHADOW + (1 - SHADOW) * depth)
      for (let c = 0; c < 3; c++) {
        const inside = light * (behind[c] as number) + (1 - light) * DARKNESS * (this.#lips[c] as number)
        out[4 * index + c] = alpha * (share * (teeth[4 * i + c] as number) + (1 - share) * inside)
      }
      out[4 * index + 3] = alpha
    }
    return out
  }

  /** Colour in [0, 1] of the photo where each texel comes to lie, and how much of it is teeth. */
  #teethAt(places: Float32Array): Float32Array {
    const { indices } = this.#texels
    const out = new Float32Array(4 * indices.length)
    const place: [number, number] = [0, 0]
    const [rim, fade] = [RIM * this.#opening, FADE * this.#opening]
    const [ax, ay] = this.#axis
    const [left, top] = this.#corner
    const end = (this.#upper[HALF] as Polyline[number])[0]
    const colour: Colour = [0, 0, 0]
    for (let i = 0; i < indices.length; i++) {
      texelPlace(place, this.#texels, i, places)
      const [x, y] = [place[0] - left, place[1] - top]
      const along = x * ax + y * ay
      const down = y * ax - x * ay
      const lower = downAt(this.#lower, along)
      if (along <= 0 || along >= end || down >= lower - rim) continue
      const upper = downAt(this.#upper, along)
      const share =
        smoothStep(0, fade, lower - rim - down) *
        smoothStep(0, fade, along) *
        smoothStep(0, fade, end - along) *
        smoothStep(0, fade, lower - upper)
      // A lip that rises bares what the photo does not show: its topmost teeth go on.
      const shown = Math.max(down, upper + rim)
      const [seenX, seenY] = [left + along * ax - shown * ay, top + along * ay + shown * ax]
      sampleColour(this.image, seenX - 0.5, seenY - 0.5, colour)
      for (let c = 0; c < 3; c++) out[4 * i + c] = (colour[c] as number) / 255
      out[4 * i + 3] = share
    }
    return out
  }

  /** Of each column of the patch the share that teeth take. */
  #reachOf(teeth: Float32Array): Float64Array {
    const { indices } = this.#texels
    const reach = new Float64Array(MOUTH_PATCH.width)
    for (let i = 0; i < indices.length; i++) {
      const column = (indices[i] as number) % MOUTH_PATCH.width
      const rows = (this.#rows[2 * column + 1] as number) - (this.#rows[2 * column] as number)
      reach[column] = (reach[column] as number) + (teeth[4 * i + 3] as number) / rows
    }
    return reach
  }

  /**
   * The other mouth's colour, its lower half below the teeth.
   * @returns how far below them, from 0 to 1 at the lower lip
   */
  #behind(out: Colour, patch: Float32Array, index: number, reach: Float64Array): number {
    const { width } = MOUTH_PATCH
    const column = index % width
    const from = this.#rows[2 * column] as number
    const behind = this.#rows[2 * column + 1] as number
    const place = ((index - column) / width + 0.5 - from) / (behind - from)
    const edge = reach[column] as number
    const start = Math.max(edge, LOWER_HALF)
    const depth = Math.max(0, (place - edge) / (1 - edge))
    const seen = place <= edge ? place : start + depth * (1 - start)
    const row = Math.max(from, Math.min(behind - 1, from + seen * (behind - from) - 0.5))
    const low = Math.floor(row) * width + column
    const high = Math.min(behind - 1, Math.floor(row) + 1) * width + column
    const part = row - Math.floor(row)
    const [lowAlpha, highAlpha] = [patch[4 * low + 3] as number, patch[4 * high + 3] as number]
    for (let c = 0; c < 3; c++) {
      const first = lowAlpha > 0 ? (patch[4 * low + c] as number) / lowAlpha : 0
      const second = highAlpha > 0 ? (patch[4 * high + c] as number) / highAlpha : 0
      out[c] = (1 - part) * first + part * second
    }
    return depth
  }

  /** Of the middle of the lips. */
  #lipColour(): Colour {
    const { mesh } = this.head
    const lips: Colour = [0, 0, 0]
    const shown = [...INNER_LIPS.keys()].filter((i) => i % HALF > 2 && i % HALF < HALF - 2)
    for (const i of shown) {
      const [inner, outer] = [INNER_LIPS[i] as number, OUTER_LIPS[i] as number]
      const [x, y] = [0, 1].map((axis) => (at(mesh, 3 * inner + axis) + at(mesh, 3 * outer + axis)) / 2)
      const colour = this.#colourAt(x as number, y as number)
      for (let c = 0; c < 3; c++) lips[c] = at(lips, c) + at(colour, c) / shown.length
    }
    return lips
  }

  /** In [0, 1]. */
  #colourAt(x: number, y: number): Colour {
    const colour: Colour = [0, 0, 0]
    sampleColour(this.image, x - 0.5, y - 0.5, colour)
    return colour.map((value) => value / 255) as Colour
  }

  #inMouth(x: number, y: number): [number, number] {
    const [dx, dy] = [x - this.#corner[0], y - this.#corner[1]]
    const [ax, ay] = this.#axis
    return [dx * ax + dy * ay, dy * ax - dx * ay]
  }
}

/** Of the inner lips, from one corner to the other. */
const HALF = INNER_LIPS.length / 2

function rowsOf({ indices }: MouthTexels): Int16Array {
  const { width, height } = MOUTH_PATCH
  const rows = Int16Array.from({ length: 2 * width }, (_, i) => (i % 2 === 0 ? height : 0))
  for (const index of indices) {
    const [column, row] = [index % width, Math.floor(index / width)]
    rows[2 * column] = Math.min(rows[2 * column] as number, row)
    rows[2 * column + 1] = Math.max(rows[2 * column + 1] as number, row + 1)
  }
  return rows
}

function downAt(line: Polyline, along: number): number {
  let i = 1
  while (i < line.length - 1 && along > (line[i] as Polyline[number])[0]) i++
  const [[from, first], [to, last]] = [line[i - 1], line[i]] as [Polyline[number], Polyline[number]]
  const share = Math.max(0, Math.min(1, (along - from) / Math.max(1e-6, to - from)))
  return first + share * (last - first)
}
