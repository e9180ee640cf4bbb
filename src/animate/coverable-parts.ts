/** Parts of a face over which something may lie. */
export const COVERABLE_PARTS = ['eyes', 'mouth'] as const
/** One of {@link COVERABLE_PARTS}. */
export type CoveredPart = (typeof COVERABLE_PARTS)[number]
