import { checkArguments, oneOf } from '../graph/arguments.js'
import { type GraphBuilder, tensorTypeOf, type Value } from '../graph/graph.js'
import { INVERSE_SEARCH_DEFAULTS, inverseSearch } from '../ops/flow/inverse-search.js'
import { VARIATIONAL_DEFAULTS, variationalRefinement } from '../ops/flow/variational.js'
import { batchSlice } from '../ops/tensor/concat.js'

/**
 * What the images make of DFFNet's flow: `inverse-search` of patches, `variational` (that and then a variational refinement of
 * every pixel), or nothing.
 */
export const REFINEMENTS = ['variational', 'inverse-search', 'none'] as const

/** One of {@link REFINEMENTS}. */
export type Refinement = (typeof REFINEMENTS)[number]

/** Luma (Rec. 601) of an image normalised as (RGB / 255 - 0.45) * 2, in grey levels but for a constant. */
const GREY = [0.299 * 127.5, 0.587 * 127.5, 0.114 * 127.5] as const

/**
 * The network's flow after a refinement, see `inverseSearch` and `variationalRefinement`.
 * @param flow n x h x w x 3, template px
 * @param images 2n x h x w x 3: as DFFNet gets them
 * @param fragments n x h x w x 4: of the mesh of the image that the flow starts from
 * @param source index of that image in its pair
 * @throws EngineError INVALID_ARGUMENT for another refinement; INVALID_GRAPH if the shapes do not fit
 */
export function refineFlow(
  graph: GraphBuilder,
  name: string,
  flow: Value,
  images: Value,
  fragments: Value,
  refinement: Refinement,
  source: 0 | 1 = 0,
): Value {
  checkArguments('refineFlow', { refinement: oneOf(...REFINEMENTS) }, { refinement })
  const { n } = tensorTypeOf(graph, 'refineFlow flow', flow)
  if (refinement === 'none') return flow
  const pair = {
    source: batchSlice(graph, `${name} I1`, images, source * n, n),
    target: batchSlice(graph, `${name} I2`, images, (1 - source) * n, n),
  }
  const searched = inverseSearch(graph, name, flow, pair, fragments, {
    grey: GREY,
    ...INVERSE_SEARCH_DEFAULTS,
  })
  if (refinement === 'inverse-search') return searched
  const attrs = { grey: GREY, ...VARIATIONAL_DEFAULTS }
  return variationalRefinement(graph, `${name} variational`, searched, pair, fragments, attrs)
}
