import { FaceError } from '../errors.js'
import { rankOf } from './pair-sampler.js'
import type { PairRow } from './rows.js'

/** What stays together: all of one source (or of one `group` of the manifest), or of one track. */
export const SPLIT_BYS = ['source', 'track'] as const
/** What no split divides, see `SPLIT_BYS`. */
export type SplitBy = (typeof SPLIT_BYS)[number]

/** How a corpus is divided. */
export interface Splits {
  /** Shares by name in their order; they sum to 1. */
  readonly shares: Readonly<Record<string, number>>
  readonly by: SplitBy
  readonly seed: number
}

/** What a corpus that is not divided calls its one part. */
export const WHOLE = 'data'

/**
 * Shares as they are written: `train=0.9,val=0.1`.
 * @throws FaceError INVALID_ARGUMENT
 */
export function parseShares(text: string): Record<string, number> {
  const fail = (why: string) =>
    new FaceError(
      'INVALID_ARGUMENT',
      `splits "${text}": ${why}; write them like train=0.9,val=0.05,test=0.05`,
    )
  const shares: Record<string, number> = {}
  for (const part of text.split(',')) {
    const [name = '', value = '', more] = part.split('=').map((side) => side.trim())
    const share = value === '' ? Number.NaN : Number(value)
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || more !== undefined)
      throw fail(`"${part}" is no name and share`)
    if (!(share > 0 && share <= 1)) throw fail(`the share of ${name} is not a number above 0, up to 1`)
    if (Object.hasOwn(shares, name)) throw fail(`${name} is given twice`)
    shares[name] = share
  }
  const sum = Object.values(shares).reduce((total, share) => total + share, 0)
  if (Math.abs(sum - 1) > 1e-6) throw fail(`the shares sum to ${Number(sum.toFixed(6))}, not to 1`)
  return shares
}

/** The split of a pair: by what stays together and the seed alone, so that a corpus that grows keeps its splits. */
export function splitOf(
  { entry, group, track }: Pick<PairRow, 'entry' | 'group' | 'track'>,
  { shares, by, seed }: Splits,
): string {
  const names = Object.keys(shares)
  const together = by === 'source' ? ['split', seed, group] : ['split', seed, entry, track]
  let left = rankOf(...together)
  for (const name of names) {
    left -= shares[name] as number
    if (left < 0) return name
  }
  return names.at(-1) as string
}
