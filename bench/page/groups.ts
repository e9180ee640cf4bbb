import { CONVOLUTIONS, type LayerCost, ratesOf } from '../lib/layers.js'
import { markdownTable } from '../lib/markdown.js'
import { type NetworkChoice, stageOf } from '../lib/networks.js'
import type { Peaks } from '../lib/peaks.js'

/** `2x112x112x32` or `1x28x28x(169+16+48)`: channels of a printed shape. */
export function channelsOfShape(shape: string): number {
  const last = shape.split('x').at(-1) ?? ''
  return last
    .replace(/[()]/g, '')
    .split('+')
    .reduce((sum, part) => sum + Number(part), 0)
}

const FEW_INPUTS = 8
const FEW_OUTPUTS = 4

/** Convolutions by what limits them. */
export function groupOf(layer: LayerCost, stage: string): string {
  if (stage === '3DMeshReg') return '3DMeshReg: 1x1 and stem'
  const [input = '', output = ''] = layer.shapes.split(' -> ')
  if (channelsOfShape(output) <= FEW_OUTPUTS) return 'predictions: 3 output channels'
  if (channelsOfShape(input) <= FEW_INPUTS) return 'first layers: 3 and 7 input channels'
  return layer.kernel.includes('winograd') ? 'others, by Winograd' : 'others, direct'
}

/** Shares of FLOPs and time, and of the peak, of the groups of convolutions. */
export function groupTable(
  layers: readonly LayerCost[],
  network: NetworkChoice,
  peaks: Peaks,
  software: boolean,
): string {
  const stage = stageOf(network)
  const convolutions = layers.filter(({ op }) => CONVOLUTIONS.has(op))
  const sums = new Map<
    string,
    { layers: number; flops: number; bytes: number; wallMs: number; cpuMs: number; gpuMs: number }
  >()
  const whole = { flops: 0, ms: 0 }
  const msOf = (cost: Pick<LayerCost, 'wallMs' | 'cpuMs' | 'gpuMs'>): number =>
    software ? cost.cpuMs : (cost.gpuMs ?? cost.wallMs)
  for (const layer of convolutions) {
    const group = groupOf(layer, stage(layer.name))
    const sum = sums.get(group) ?? { layers: 0, flops: 0, bytes: 0, wallMs: 0, cpuMs: 0, gpuMs: 0 }
    sum.layers++
    sum.flops += layer.flops
    sum.bytes += layer.bytes
    sum.wallMs += layer.wallMs
    sum.cpuMs += layer.cpuMs
    sum.gpuMs += layer.gpuMs ?? layer.wallMs
    sums.set(group, sum)
    whole.flops += layer.flops
    whole.ms += msOf(layer)
  }
  return markdownTable(
    ['convolutions', 'layers', '% FLOPs', '% time', '% of the peak'],
    [...sums].map(([group, sum]) => [
      group,
      sum.layers,
      (sum.flops / whole.flops) * 100,
      (msOf(sum) / whole.ms) * 100,
      ratesOf(sum, peaks, software).ofFma * 100,
    ]),
  )
}
