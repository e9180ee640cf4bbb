import type { FaceFrame, RegisteredFlowResult } from '../face/types.js'
import { hasPhotos } from '../face/types.js'
import { maskedMean } from '../products/residual.js'
import type { Provenance } from './provenance.js'

/** The part of a result that is numbers rather than fields: what result.json holds and --json prints. */

/** Statistics of a flow over the face, template px. */
export interface FlowStatistics {
  readonly facePixels: number
  readonly meanLength: number
  readonly medianLength: number
  readonly maxLength: number
  /** Mean of |dz|. */
  readonly meanDepthChange: number
  /** Mean length of the flow without the rigid motion. */
  readonly meanExpression: number
  /** Share of the face in [0, 1]; null without backward flow. */
  readonly occludedShare: number | null
}

/** Lengths are those of (dx, dy, dz). */
export function flowStatistics(result: RegisteredFlowResult): FlowStatistics {
  const { flow, mask, expressionFlow, occlusion } = result
  const lengths: number[] = []
  const depths = new Float32Array(mask.length)
  const expressions = new Float32Array(mask.length)
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue
    lengths.push(vectorLength(flow, i))
    depths[i] = Math.abs(flow[3 * i + 2] as number)
    expressions[i] = vectorLength(expressionFlow, i)
  }
  lengths.sort((a, b) => a - b)
  return {
    facePixels: lengths.length,
    meanLength: lengths.reduce((sum, v) => sum + v, 0) / Math.max(1, lengths.length),
    medianLength: lengths[lengths.length >> 1] ?? 0,
    maxLength: lengths.at(-1) ?? 0,
    meanDepthChange: maskedMean(depths, mask),
    meanExpression: maskedMean(expressions, mask),
    occludedShare: occlusion ? maskedMean(occlusion, mask) : null,
  }
}

/** Names that callers know the inputs by. */
export interface InputNames {
  readonly a: string
  readonly b: string
}

/**
 * JSON-ready summary: everything but the fields and images. Lengths in px of the frame named beside.
 * @param provenance what the result was computed by, its digest, and when
 */
export function summarise(
  result: RegisteredFlowResult,
  names: InputNames,
  provenance?: Provenance & { readonly date: string; readonly digest: string },
): Record<string, unknown> {
  const photos = hasPhotos(result)
    ? {
        faces: { a: describeFace(result.a), b: describeFace(result.b) },
        rigidPhoto: result.rigidPhoto,
      }
    : {}
  return {
    format: 1,
    inputs: { a: names.a, b: names.b, registered: !hasPhotos(result) },
    ...photos,
    rigidTemplate: result.rigid,
    statistics: flowStatistics(result),
    photometric: result.photometric,
    weights: result.weights,
    depthSource: result.depthSource,
    refinement: result.refinement,
    extent: result.extent,
    backward: result.backwardFlow !== undefined,
    adapter: result.adapter,
    timingsMs: result.timingsMs,
    checks: result.checks,
    warnings: result.warnings,
    ...(provenance && { provenance }),
  }
}

function describeFace(face: FaceFrame): Record<string, unknown> {
  const points: number[][] = []
  for (let i = 0; i < face.landmarks68.length; i += 2) {
    points.push([round(face.landmarks68[i]), round(face.landmarks68[i + 1])])
  }
  return {
    photo: { width: face.image.width, height: face.image.height },
    box: face.box,
    score: face.score,
    toTemplate: face.toTemplate,
    registrationResidual: face.registrationResidual,
    landmarks68: points,
  }
}

function vectorLength(field: Float32Array, i: number): number {
  return Math.hypot(field[3 * i] as number, field[3 * i + 1] as number, field[3 * i + 2] as number)
}

function round(value: number | undefined): number {
  return Math.round((value ?? 0) * 1000) / 1000
}
