/** What is drawn over pictures. Paths are SVG path data, which canvases take as well. */

/** A path filled, stroked or both. Neither colour: not drawn. */
export interface Outline {
  readonly path: string
  /** SVG (and CSS) colours; default: none. */
  readonly fill?: string
  readonly stroke?: string
  readonly strokeOpacity?: number
  readonly strokeWidth?: number
  /** Ends and corners of strokes. Default: square cuts, mitred. */
  readonly round?: boolean
  /** Where the path's origin is; default (0, 0). */
  readonly x?: number
}

/** Shapes in px of their own. */
export interface ShapeGroup {
  readonly shapes: readonly Shape[]
  /** Where its origin is, px of what it stands in. */
  readonly x: number
  readonly y: number
  /** Size of its px there. */
  readonly scale: number
  /** What is shown of it, its own px from its origin on; default: all. */
  readonly clip?: { readonly width: number; readonly height: number }
}

export type Shape = Outline | ShapeGroup
