/** Which motion is taken over: what changes against the driver's reference, or also how the driver stands and looks there. */
export const MOTIONS = ['relative', 'absolute'] as const
/** One of {@link MOTIONS}. */
export type Motion = (typeof MOTIONS)[number]
