import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DeepFaceFlow, type RegisteredFlowResult, writeProducts } from '../src/index.js'
import {
  forwardBackwardError,
  innerMask,
  landmarkTransferError,
  mean,
  photometricError,
  temporalJitter,
} from './real-metrics.js'
import { REAL_FOLDER, type RealPair, readRealPairs } from './real-set.js'

/** Means over real pairs, both ways where that makes sense. */
export interface RealErrors {
  /** Grey levels. */
  readonly residual: number
  /** Template px. */
  readonly forwardBackward: number
  /** By the interocular distance. */
  readonly landmarkTransfer: number
  /** Template px. */
  readonly jitter: number
  /** Of it, the affine part: see `temporalJitter`. */
  readonly affineJitter: number
}

interface Computed {
  readonly pair: RealPair
  readonly result: RegisteredFlowResult
  readonly residual: number
}

const WORST = 10
/** Picture of a result that shows all of it. */
const OVERVIEW = 'overview.png'

/**
 * @param pictures folder for the overviews of the ten pairs with the highest residual; undefined: none
 */
export async function evaluateReal(dff: DeepFaceFlow, pictures: string | undefined): Promise<RealErrors> {
  const computed: Computed[] = []
  const errors: Record<keyof RealErrors, number[]> = {
    residual: [],
    forwardBackward: [],
    landmarkTransfer: [],
    jitter: [],
    affineJitter: [],
  }
  for (const pair of await readRealPairs(REAL_FOLDER)) {
    const result = await dff.flowRegistered(pair.a, pair.b)
    const { flow, mask, backwardFlow: backward } = result
    if (backward === undefined) throw new TypeError('flows of both ways were asked for')
    const inner = innerMask(mask)
    // The backward flow is zero off the face of B and nowhere exactly zero on it.
    const innerB = innerMask(mask.map((_, i) => (backward[3 * i] === 0 && backward[3 * i + 1] === 0 ? 0 : 1)))
    const residual = mean([
      photometricError(pair.a, pair.b, flow, inner),
      photometricError(pair.b, pair.a, backward, innerB),
    ])
    errors.residual.push(residual)
    errors.forwardBackward.push(forwardBackwardError(flow, backward, inner))
    errors.landmarkTransfer.push(landmarkTransferError(flow, inner, pair.landmarksA, pair.landmarksB))
    computed.push({ pair, result, residual })
  }
  for (const sequence of new Set(computed.map(({ pair }) => pair.sequence))) {
    const steps = computed.filter(({ pair }) => sequence !== undefined && pair.sequence === sequence)
    const [first] = steps
    if (first === undefined) continue
    const flows = steps.map(({ result }) => result.flow)
    const jitter = temporalJitter(flows, innerMask(first.result.mask))
    errors.jitter.push(jitter.all)
    errors.affineJitter.push(jitter.affine)
  }
  if (pictures !== undefined) await drawWorst(computed, pictures)
  return {
    residual: mean(errors.residual),
    forwardBackward: mean(errors.forwardBackward),
    landmarkTransfer: mean(errors.landmarkTransfer),
    jitter: mean(errors.jitter),
    affineJitter: mean(errors.affineJitter),
  }
}

async function drawWorst(computed: readonly Computed[], folder: string): Promise<void> {
  const worst = [...computed].sort((a, b) => b.residual - a.residual).slice(0, WORST)
  for (const [rank, { pair, result }] of worst.entries()) {
    const name = `${String(rank + 1).padStart(2, '0')} ${pair.name}`.replaceAll(' ', '-')
    await writeProducts(result, join(folder, name), { only: [OVERVIEW] })
  }
}

/** Errors of the baselines on the same pairs, computed by the training package. */
export async function realBaselines(): Promise<Record<string, RealErrors>> {
  return JSON.parse(await readFile(join(REAL_FOLDER, 'baselines.json'), 'utf8')) as Record<string, RealErrors>
}
