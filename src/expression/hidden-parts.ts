import type { CoveredPart } from '../animate/coverable-parts.js'
import { COEFFICIENT_NAMES, type CoefficientName } from './names.js'
import type { ReadExpression } from './types.js'

/** Names of the coefficients that lie under what covers a part: a jaw shows by the lips, cheeks that are blown up do beside them. */
const COVERED_NAMES: Readonly<Record<CoveredPart, RegExp>> = { eyes: /^eye/, mouth: /^(mouth|jaw|cheekPuff)/ }

/** What nothing can be told of where a part is covered. */
export function hiddenBy(part: CoveredPart): readonly CoefficientName[] {
  return COEFFICIENT_NAMES.filter((name) => COVERED_NAMES[part].test(name))
}

/** Parts of a face whose coefficients have no values at all, because something covers them there or in the picture at rest. */
export function hiddenParts({ coefficients }: Pick<ReadExpression, 'coefficients'>): CoveredPart[] {
  return (Object.keys(COVERED_NAMES) as CoveredPart[]).filter((part) => {
    return hiddenBy(part).every((name) => coefficients[name].value === null)
  })
}
