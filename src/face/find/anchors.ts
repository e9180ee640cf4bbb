/** Side of the detector's square input, px. */
export const DETECTOR_SIDE = 128

/** One map of the detector: side in cells, anchors per cell. Outputs are in this order. */
export interface AnchorMap {
  readonly side: number
  readonly perCell: number
}

export const ANCHOR_MAPS: readonly AnchorMap[] = [
  { side: 16, perCell: 2 },
  { side: 8, perCell: 6 },
]

/** Number of anchors over all maps: 896. */
export const ANCHOR_COUNT = ANCHOR_MAPS.reduce((sum, { side, perCell }) => sum + side * side * perCell, 0)

/**
 * Centres of all anchors, 896x2, detector px: cell centres, the anchors of a cell next to each other, cells in
 * row order. Only centres matter: the network regresses sizes directly.
 */
export function anchorCentres(): Float64Array {
  const centres = new Float64Array(ANCHOR_COUNT * 2)
  let i = 0
  for (const { side, perCell } of ANCHOR_MAPS) {
    const cell = DETECTOR_SIDE / side
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        for (let n = 0; n < perCell; n++) {
          centres[i++] = (x + 0.5) * cell
          centres[i++] = (y + 0.5) * cell
        }
      }
    }
  }
  return centres
}
