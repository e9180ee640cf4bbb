import type { Rgba } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Refinement } from '../nets/refinement.js'
import { expressionFlow } from '../products/expression.js'
import { moveMesh } from '../products/moved-mesh.js'
import { forwardBackward } from '../products/occlusion.js'
import { photometricResidual, warpByFlow } from '../products/residual.js'
import { flowWarnings } from '../products/warnings.js'
import type { PairOutputs } from './registered-pair.js'
import type { RegisteredFlowResult, WeightsInfo } from './types.js'

export interface PairFacts {
  readonly triangles: Uint32Array
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
  readonly refinement: Refinement
  readonly adapter: string
  readonly timingsMs: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
}

/** Everything that follows from the flow of a registered pair. */
export function deriveResult(
  registeredA: Rgba,
  registeredB: Rgba,
  forward: PairOutputs,
  backward: PairOutputs | undefined,
  facts: PairFacts,
): RegisteredFlowResult {
  const { flow, mask, depth, pncc, mesh } = forward
  const moved = moveMesh(mesh, flow, mask, depth)
  const warpedB = warpByFlow(registeredB, flow, mask)
  const { residual, photometric } = photometricResidual(registeredA, registeredB, warpedB, mask)
  // Of B the backward pass sees more than a forward pass without the mesh of B.
  const faces = [forward.faces[0], forward.faces[1] ?? backward?.faces[0]].filter(
    (face) => face !== undefined,
  )
  return {
    flow,
    mask,
    pncc,
    depth,
    meshA: mesh,
    meshB: moved.mesh,
    triangles: Uint16Array.from(facts.triangles),
    registeredA,
    registeredB,
    ...(backward && {
      backwardFlow: backward.flow,
      ...forwardBackward(flow, mask, backward.flow, backward.mask),
    }),
    rigid: moved.rigid,
    expressionFlow: expressionFlow(flow, moved.rigid, mask, depth),
    warpedB,
    residual,
    photometric,
    weights: facts.weights,
    depthSource: facts.depthSource,
    refinement: facts.refinement,
    adapter: facts.adapter,
    timingsMs: facts.timingsMs,
    warnings: [...facts.warnings, ...flowWarnings(faces, photometric)],
  }
}
