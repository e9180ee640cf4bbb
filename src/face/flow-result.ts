import type { Rgba } from '../geometry/types.js'
import type { DepthSource } from '../nets/depth-from-motion.js'
import type { Extent } from '../nets/face-extent.js'
import type { Refinement } from '../nets/refinement.js'
import { expressionFlow } from '../products/expression.js'
import { maskOf, pnccOf, surfaceOf } from '../products/fragments.js'
import { moveMesh } from '../products/moved-mesh.js'
import { maskedMean, photometricResidual, warpByFlow } from '../products/residual.js'
import { judgePair } from '../products/warnings.js'
import { withLazy } from './lazy.js'
import type { NetworkFiles } from './network-files.js'
import { measurePair } from './pair-figures.js'
import { flowPlaces, MeshLead } from './register/mesh-lead.js'
import type { PairOutputs } from './registered-pair.js'
import { rememberSeen } from './seen-frames.js'
import type { RegisteredFlowResult, WeightsInfo } from './types.js'

export interface PairFacts {
  readonly files: Pick<NetworkFiles, 'triangles' | 'ncc' | 'template' | 'extent'> & {
    readonly occlusion: Pick<NetworkFiles['occlusion'], 'limit'>
  }
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
  readonly refinement: Refinement
  readonly extent: Extent
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
  outputs: PairOutputs,
  facts: PairFacts,
  timingsMs: () => Readonly<Record<string, number>>,
): RegisteredFlowResult {
  const {
    frames: [registeredA, registeredB],
    flow,
    fragments,
    mesh,
    drawnMesh,
    landmarksOfA,
    backward,
  } = outputs
  const { files, warnings, ...named } = facts
  const { triangles, ncc } = files
  const { mask, depth } = surfaceOf(fragments)
  const meshMask = maskOf(fragments, triangles.length / 3)
  const meshA = landmarksOfA ? leadOf(triangles).led(mesh, landmarksOfA) : mesh.slice()
  // Of the mesh that is drawn: where landmarks of A alone lead its mesh, the head moves as it does without.
  const { mesh: drawnInB, rigid } = moveMesh(drawnMesh, flow, mask, depth)
  const meshB = landmarksOfA ? moveMesh(meshA, flow, mask, depth, flowPlaces(meshA)).mesh : drawnInB
  const a = { ...registeredA, data: registeredA.data.slice() }
  const b = { ...registeredB, data: registeredB.data.slice() }
  const warped = once(() => warpByFlow(b, flow, mask))
  // On the mesh: hair that falls over the forehead says nothing about the flow of the face.
  const photometry = once(() => photometricResidual(a, b, warped(), mask, meshMask))
  const occlusion = once(() => {
    const probabilities = backward && everyOther(backward.occlusion, 0, mask)
    return probabilities && Uint8Array.from(probabilities, (p) => (p >= files.occlusion.limit ? 1 : 0))
  })
  const judgement = once(() => {
    const hidden = occlusion()
    return judgePair({
      ...measurePair({ ...outputs, frames: [a, b] }, meshMask, files),
      hidden: hidden && maskedMean(hidden, meshMask),
      photometric: photometry().photometric,
    })
  })
  const result = withLazy(
    { registeredA, registeredB, meshA, meshB, rigid, ...named },
    {
      flow: () => flow.slice(),
      mask: () => mask.slice(),
      meshMask: () => meshMask.slice(),
      pncc: () => pnccOf(fragments, files.extent?.triangles ?? triangles, files.extent?.ncc ?? ncc),
      depth: () => depth.slice(),
      triangles: () => Uint16Array.from(triangles),
      expressionFlow: () => expressionFlow(flow, rigid, mask, depth),
      warpedB: () => copyOf(warped()),
      residual: () => photometry().residual.slice(),
      photometric: () => photometry().photometric,
      timingsMs,
      checks: () => judgement().checks.map((check) => ({ ...check })),
      warnings: () => [...warnings, ...judgement().warnings],
    },
  )
  rememberSeen(result, { ...outputs, frames: [a, b] })
  if (backward === undefined) return result
  return withLazy(result, {
    backwardFlow: () => backward.flow.slice(),
    occlusion: () => (occlusion() as Uint8Array).slice(),
    occlusionProbability: () => everyOther(backward.occlusion, 0, mask),
    confidence: () => everyOther(backward.occlusion, 1, mask),
  })
}

const LEADS = new WeakMap<Uint32Array, MeshLead>()

/** The same one for the same triangles. */
function leadOf(triangles: Uint32Array): MeshLead {
  const lead = LEADS.get(triangles) ?? new MeshLead(triangles)
  LEADS.set(triangles, lead)
  return lead
}

/** One of the two numbers of each pixel; 0 off the mask. */
function everyOther(values: Float32Array, which: 0 | 1, mask: Uint8Array): Float32Array {
  return Float32Array.from(mask, (on, i) => (on === 0 ? 0 : (values[2 * i + which] as number)))
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
