/** Fields that can be laid over the picture, in their order. */
export const OVERLAYS = ['flow', 'depth', 'pncc', 'confidence'] as const
export type Overlay = (typeof OVERLAYS)[number]

export interface FlatView {
  /** 0 at A, 1 at B. */
  readonly t: number
  /** In [0, 1]. */
  readonly opacity: Readonly<Record<Overlay, number>>
}

export const FIRST_FLAT_VIEW: FlatView = { t: 0, opacity: { flow: 0, depth: 0, pncc: 0, confidence: 0 } }

/** What the flow says of the pixel of A that is shown at a place. */
export interface ReadOut {
  /** Pixel of A. */
  readonly x: number
  readonly y: number
  readonly dx: number
  readonly dy: number
  readonly dz: number
  /** In [0, 1]; null without a flow from B to A. */
  readonly confidence: number | null
}
