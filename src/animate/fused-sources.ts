import { multiply } from '../geometry/rotation.js'
import { applySimilarity3, invertSimilarity3 } from '../geometry/similarity3.js'
import { MOST_LAYERS } from '../ops/image/blend-layers.js'
import type { DrivenHead, HeadPose } from './carry-over.js'
import { type FurtherSource, movedPoints } from './further-source.js'
import type { Gaze } from './gaze.js'
import type { LayerBlend } from './layer-blend.js'
import type { PhotoHead } from './photo-head.js'
import type { Vector } from './points.js'
import type { MovedSheet } from './sheet.js'
import type { Drawing, Layer, SheetRenderer } from './sheet-renderer.js'
import { REGIONS, type Regions, regionsOf, regionWeights, strongest, unlikeness } from './source-weights.js'

/** A further source and what draws it. */
export interface DrawableSource extends FurtherSource {
  readonly renderer: SheetRenderer
}

/** Further photos that are drawn into a frame beside the one that is moved, at most. */
export const MOST_DRAWN = MOST_LAYERS

/** The inside of the mouth that a head with its lips where they go is given: `InnerMouth.cut`. */
export type PatchOf = (head: PhotoHead, expressive: Float64Array) => Float32Array

/** Further photos of the person, moved along with the photo and shown where they show better what is wanted. */
export class FusedSources {
  readonly #regions: Regions

  constructor(
    private readonly head: PhotoHead,
    private readonly sources: readonly DrawableSource[],
    private readonly blend: LayerBlend,
  ) {
    this.#regions = regionsOf(head)
  }

  /**
   * @param own the photo, moved
   * @param driven how
   * @param moved its sheet
   * @returns the photo with what the others show better; `own` itself where they show nothing better
   */
  over(own: Layer, driven: DrivenHead, moved: MovedSheet, patchOf: PatchOf): Drawing {
    const layers = this.#choose(driven).map(({ source, weights }) => {
      const its = drivenSource(source, this.head, driven)
      const sheet = pulled(source, source.sheet.move(its), moved)
      return source.renderer.drawing(sheet, patchOf(source.head, its.expressive), weights)
    })
    return layers.length === 0 ? own : this.blend.over(own, layers)
  }

  dispose(): void {
    for (const { renderer } of this.sources) renderer.dispose()
    this.blend.dispose()
  }

  /** Sources that count, and how much at each corner of their sheets. */
  #choose({ expressive, pose, gazes }: DrivenHead): { source: DrawableSource; weights: Float32Array }[] {
    const own = { mesh: this.head.mesh, rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1] }
    const far = [own, ...this.sources.map(({ shown }) => shown)].map((shown) => {
      return [...unlikeness(this.#regions, shown, expressive, pose)]
    })
    // Where the eyes look is not in the mesh.
    far.forEach((byRegion, i) => {
      for (const eye of [0, 1] as const) {
        const shift =
          i === 0 ? gazes[eye] : shiftFrom(this.sources[i - 1] as DrawableSource, this.head, gazes, eye)
        byRegion[1 + eye] =
          (byRegion[1 + eye] as number) + EYE_WIDTH ** 2 * (shift.along ** 2 + shift.across ** 2)
      }
    })
    const weights = regionWeights(far, [1, ...this.sources.map(({ detail }) => detail ** 2)])
    return strongest(weights.slice(1), MOST_DRAWN).map(({ index, weights: byRegion }) => {
      const source = this.sources[index] as DrawableSource
      return { source, weights: this.#onSheet(source, byRegion) }
    })
  }

  #onSheet(
    { sheet, visible, within, isSameView }: DrawableSource,
    byRegion: readonly number[],
  ): Float32Array {
    const rest = byRegion[REGIONS.length - 1] as number
    const above = visible.map((seen, v) => {
      let sum = 0
      this.#regions.shares.forEach((shares, r) => {
        sum += (shares[v] as number) * (byRegion[r] as number)
      })
      return seen * sum - rest
    })
    // Bodies and clothes of another view have nothing to do with the photo's.
    return sheet.spread(above, 1).map((value, i) => {
      const own = isSameView ? 1 : (sheet.shares[i] as number) * (within[i] as number)
      return own * Math.max(0, value + rest)
    })
  }
}

/** Width of an eye, distances of the outer eye corners. */
const EYE_WIDTH = 0.3

/** The source's head such that it is where the photo's goes. */
function drivenSource(source: DrawableSource, head: PhotoHead, driven: DrivenHead): DrivenHead {
  const { toHead, light } = source
  const { pose } = driven
  return {
    expressive: movedPoints(invertSimilarity3(toHead), driven.expressive),
    pose: {
      rotation: multiply(pose.rotation, toHead.rotation),
      middle: source.head.middle,
      shift: shiftOf(pose, source),
      scale: pose.scale * toHead.scale,
    },
    light: driven.light.map((value, k) => value - (light[k] as number)),
    gazes: [shiftFrom(source, head, driven.gazes, 0), shiftFrom(source, head, driven.gazes, 1)],
    surround: driven.surround,
    beyond: driven.beyond,
  }
}

function shiftOf({ rotation, middle, shift, scale }: HeadPose, { head, toHead }: DrawableSource): Vector {
  const from = applySimilarity3(toHead, ...head.middle)
  const [x, y, z] = applySimilarity3(
    { rotation, scale, translation: [0, 0, 0] },
    from[0] - middle[0],
    from[1] - middle[1],
    from[2] - middle[2],
  )
  return [x, y, z].map((value, axis) => {
    return value + (middle[axis] as number) + (shift[axis] as number) - (head.middle[axis] as number)
  }) as Vector
}

/** By how much an iris has to move from where it is in the source. */
function shiftFrom(source: DrawableSource, head: PhotoHead, gazes: readonly [Gaze, Gaze], eye: 0 | 1): Gaze {
  const [wanted, own, theirs] = [gazes[eye], head.gazes[eye], source.gazes[eye]]
  return {
    along: own.along + wanted.along - theirs.along,
    across: own.across + wanted.across - theirs.across,
  }
}

/** The source's sheet with its mesh exactly where the photo's is, and what is near the mesh with it: what is blended must lie on itself. */
function pulled({ sheet }: DrawableSource, moved: MovedSheet, to: MovedSheet): MovedSheet {
  const count = 3 * 468
  const by = Float64Array.from({ length: count }, (_, k) => {
    // Depth is each head's own: it decides what hides what.
    return k % 3 === 2 ? 0 : (to.vertices[k] as number) - (moved.vertices[k] as number)
  })
  const step = sheet.spread(by, 3)
  return { vertices: moved.vertices.map((value, k) => value + (step[k] as number)), gains: moved.gains }
}
