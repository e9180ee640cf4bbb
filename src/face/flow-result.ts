import type { Rgba } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Refinement } from '../nets/refinement.js'
import { expressionFlow } from '../products/expression.js'
import { pnccOf, surfaceOf } from '../products/fragments.js'
import { moveMesh } from '../products/moved-mesh.js'
import { forwardBackward } from '../products/occlusion.js'
import { photometricResidual, warpByFlow } from '../products/residual.js'
import { flowWarnings } from '../products/warnings.js'
import { withLazy } from './lazy.js'
import type { PairOutputs } from './registered-pair.js'
import type { RegisteredFlowResult, WeightsInfo } from './types.js'

export interface PairFacts {
  readonly triangles: Uint32Array
  /** 468x3, see `NetworkFiles`. */
  readonly ncc: Float32Array
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
  readonly refinement: Refinement
  readonly adapter: string
  readonly warnings: readonly string[]
}

/**
 * Everything that follows from the flow of a registered pair. Mesh and rigid motion are computed here, so that a pair from which
 * they do not follow is refused here; maps when they are first read. They are computed from arrays that nobody else has: what the
 * caller does to one map does not change another.
 * @param timingsMs called when the result's `timingsMs` is first read
 */
export function deriveResult(
  { frames: [registeredA, registeredB], flow, fragments, mesh, faces, backward }: PairOutputs,
  facts: PairFacts,
  timingsMs: () => Readonly<Record<string, number>>,
): RegisteredFlowResult {
  const { triangles, ncc, warnings, ...named } = facts
  const { mask, depth } = surfaceOf(fragments)
  const moved = moveMesh(mesh, flow, mask, depth)
  const a = { ...registeredA, data: registeredA.data.slice() }
  const b = { ...registeredB, data: registeredB.data.slice() }
  const warped = once(() => warpByFlow(b, flow, mask))
  const photometry = once(() => photometricResidual(a, b, warped(), mask))
  const result = withLazy(
    { registeredA, registeredB, meshA: mesh.slice(), meshB: moved.mesh, rigid: moved.rigid, ...named },
    {
      flow: () => flow.slice(),
      mask: () => mask.slice(),
      pncc: () => pnccOf(fragments, triangles, ncc),
      depth: () => depth.slice(),
      triangles: () => Uint16Array.from(triangles),
      expressionFlow: () => expressionFlow(flow, moved.rigid, mask, depth),
      warpedB: () => copyOf(warped()),
      residual: () => photometry().residual.slice(),
      photometric: () => photometry().photometric,
      timingsMs,
      warnings: () => [...warnings, ...flowWarnings(faces, photometry().photometric)],
    },
  )
  if (backward === undefined) return result
  const consistency = once(() => forwardBackward(flow, mask, backward.flow, backward.mask))
  return withLazy(result, {
    backwardFlow: () => backward.flow.slice(),
    occlusion: () => consistency().occlusion,
    confidence: () => consistency().confidence,
  })
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function copyOf(image: Rgba): Rgba {
  return { ...image, data: image.data.slice() }
}
