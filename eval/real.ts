import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DeepFaceFlow, type FlowResult, interocularDistance, mapPhotoPoint } from '../src/index.js'

/** What can be said of real pairs, which have no true flow. */
export interface RealErrors {
  readonly pairs: number
  /** Grey levels on the face: frames as registered, and B warped by the flow. */
  readonly residualWithoutFlow: number
  readonly residual: number
  /** Mean |F(p) + B(p + F)|, template px, where both are defined. */
  readonly forwardBackward: number
  /** Distance of A's 68 landmarks, moved by the flow, from B's, by the interocular distance of B. */
  readonly landmarkTransfer: number
}

/** Consecutive frames of the talker in a folder, both as ordinary photos. */
export async function evaluateReal(faceFlow: DeepFaceFlow, folder: string): Promise<RealErrors> {
  const frames = (await readdir(folder)).filter((name) => /^franck_\d+\.jpg$/.test(name)).sort()
  const results: FlowResult[] = []
  for (let i = 0; i + 1 < frames.length; i++) {
    const [a, b] = [frames[i] as string, frames[i + 1] as string]
    results.push(await faceFlow.flow(join(folder, a), join(folder, b)))
  }
  const mean = (of: (result: FlowResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length
  return {
    pairs: results.length,
    residualWithoutFlow: mean((r) => r.photometric.before),
    residual: mean((r) => r.photometric.after),
    forwardBackward: mean(forwardBackwardError),
    landmarkTransfer: mean(landmarkTransfer),
  }
}

/** Confidence is exp(-e^2 / (2 * 1.5^2)) of the forward-backward error e. */
function forwardBackwardError({ confidence, mask }: FlowResult): number {
  let sum = 0
  let count = 0
  confidence?.forEach((value, i) => {
    if (mask[i] === 0 || value <= 0) return
    sum += Math.sqrt(-2 * 1.5 ** 2 * Math.log(value))
    count++
  })
  return sum / count
}

function landmarkTransfer({ flow, mask, a, b }: FlowResult): number {
  let sum = 0
  let count = 0
  for (let i = 0; i < 68; i++) {
    const at = [a.landmarks68[2 * i] as number, a.landmarks68[2 * i + 1] as number] as const
    const moved = mapPhotoPoint(flow, mask, a.toTemplate, b.toTemplate, at[0], at[1])
    if (moved === null) continue
    sum += Math.hypot(
      moved[0] - (b.landmarks68[2 * i] as number),
      moved[1] - (b.landmarks68[2 * i + 1] as number),
    )
    count++
  }
  return sum / count / interocularDistance(b.landmarks68)
}
