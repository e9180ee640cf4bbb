import { applySimilarityToPoints } from '../../geometry/similarity.js'
import type { RegisteredFace } from '../types.js'
import { openingEdges } from './openings.js'

/** What the landmarks of a frame lead. */
export interface FrameGuide {
  /** 468x3, template px: the landmarks, for `MeshLead`. */
  readonly places: Float32Array
  /** See `openingEdges`: for the flow. */
  readonly edges: Float32Array
}

/** The frame, with what its landmarks lead. */
export function guided<T extends object>(
  frame: T,
  { landmarks468, toTemplate }: Pick<RegisteredFace, 'landmarks468' | 'toTemplate'>,
): T & { readonly guide: FrameGuide } {
  const places = applySimilarityToPoints(toTemplate, landmarks468, 3)
  return { ...frame, guide: { places, edges: openingEdges(places) } }
}
