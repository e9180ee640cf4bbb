/**
 * Share of the way to a new value that a low pass of first order goes.
 * @param cycles its cut-off, cycles per step: cut-off in Hz times the seconds of a step, or cycles a frame
 * @returns in [0, 1)
 */
export function lowPassShare(cycles: number): number {
  return 1 / (1 + 1 / (2 * Math.PI * cycles))
}
