import type { Step } from '../../src/graph/plan.js'
import { nodeOf } from './networks.js'

/**
 * What a dispatch of a convolution's product computes, in FLOPs: tiles include rows past the edge and channels past the
 * last, and Winograd multiplies less than the definition says. Undefined for other kernels.
 * @param invocations of one workgroup
 */
export function productFlops(step: Step, invocations: number): number | undefined {
  const { PX: pixels, COP, CP, WG, LANES } = step.params
  const lanes = typeof LANES === 'number' ? LANES : 4
  // Lanes of a workgroup share the sums of its pixels: each takes every WG-th step.
  if (step.kernel === 'conv_lanes.wgsl' && typeof pixels === 'number' && typeof WG === 'number') {
    const outputs = step.workgroups.reduce((product, size) => product * size, 1) * pixels * lanes
    return 2 * outputs * Math.ceil(reducedPlanes(step) / WG) * WG * 4
  }
  const planes = COP ?? CP
  if (typeof pixels !== 'number' || typeof planes !== 'number') return undefined
  const all = step.workgroups.reduce((product, size) => product * size, 1) * invocations
  return 2 * all * pixels * (planes * lanes) * (reducedPlanes(step) * 4)
}

/** Planes of input channels over all taps that one workgroup sums up. */
function reducedPlanes({ uniforms }: Step): number {
  const { steps, tapsX, tapsY, inPlanes, x } = uniforms
  // Implicit matrix product: the flat index of tap and plane, cut into `splits` parts.
  if (typeof steps === 'number') return steps
  const taps = typeof tapsX === 'number' && typeof tapsY === 'number' ? tapsX * tapsY : 1
  if (typeof inPlanes === 'number') return taps * inPlanes
  const view = x as Readonly<Record<string, number>> | undefined
  return taps * (view?.planes ?? 0)
}

/** The definition's FLOPs of each step: those of a node that became several are what its product is for. */
export function definedFlops(steps: readonly Step[]): number[] {
  const totals = new Map<string, number>()
  const products = new Map<string, number>()
  steps.forEach((step, index) => {
    const node = nodeOf(step.name)
    totals.set(node, (totals.get(node) ?? 0) + step.flops)
    if (productFlops(step, 1) !== undefined) products.set(node, index)
  })
  return steps.map((step, index) => {
    const node = nodeOf(step.name)
    const product = products.get(node)
    if (product === undefined) return step.flops
    return product === index ? (totals.get(node) ?? 0) : 0
  })
}
