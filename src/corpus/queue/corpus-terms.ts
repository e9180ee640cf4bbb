import { sha256Now } from '../../platform/node/hash.js'
import type { CorpusSettings } from '../settings.js'
import type { QueueTerms } from './terms.js'

/** What all workers on a corpus must have in common: the version, the weights, and the options that change an entry. */
export function corpusTerms({
  version,
  engine,
  options,
}: Omit<CorpusSettings, 'assembly' | 'format'>): QueueTerms {
  const { weights, depthSource, refinement, extent } = engine
  return {
    version,
    weights: `${weights.name} ${weights.hash.slice(0, 12)}`,
    'weights of depth': weights.depthHash?.slice(0, 12) ?? 'none',
    depth: depthSource,
    refinement,
    extent,
    options: sha256Now([JSON.stringify(options)]).slice(0, 12),
  }
}
