import { READ_COEFFICIENTS } from '../nets/coefficients.js'

/** The 52 coefficients by ARKit's names; *left* and *right* are the person's. */
export const COEFFICIENT_NAMES = /* @__PURE__ */ allNames()

function allNames() {
  return [...READ_COEFFICIENTS, 'tongueOut'] as const
}

/** One of {@link COEFFICIENT_NAMES}. */
export type CoefficientName = (typeof COEFFICIENT_NAMES)[number]
