import type { Activation, Operand, PackedData, WeightSource } from '../../graph/op.js'
import type { Storage } from '../../graph/tensor.js'
import { floatsToHalves } from '../../weights/float16.js'

/** What an output channel adds up: its weights by phase, tap and physical input channel. */
export interface ConvWeights {
  /** Name and shape (the file's layout) in the weight source. */
  readonly name: string
  readonly shape: readonly number[]
  /**
   * Position in the tensor of the weight that takes the first logical input channel at tap (y, x) of `phase` to the
   * first output channel; -1 where there is none (a tap that only other phases have).
   */
  firstIndexOf(phase: number, tapY: number, tapX: number): number
  /** From there to the next output channel's weight, and to the next input channel's. */
  readonly outputStep: number
  readonly inputStep: number
  readonly phases: number
  readonly taps: readonly [number, number]
  readonly outChannels: number
  /** Physical position (plane * 4 + lane) of every logical input channel, and planes in memory. */
  readonly inChannels: readonly number[]
  readonly inPlanes: number
}

/** Converts packed values to the element type that kernels read. */
export function toStorage(values: Float32Array, storage: Storage): PackedData {
  return storage === 'f32' ? values : floatsToHalves(values)
}

/**
 * Weights as 4x4 blocks (column = input lane, row = output lane) in the order
 * `[phase][group of output planes][tap][input plane][output plane of the group]`.
 */
export function packedBlocks(weights: ConvWeights, groupPlanes: number, storage: Storage): Operand {
  const { name, phases, taps, outChannels, inChannels } = weights
  const groups = Math.ceil(outChannels / (4 * groupPlanes))
  const blocksPerTap = weights.inPlanes * groupPlanes
  const tapCount = taps[0] * taps[1]
  const positions = inChannels.length === weights.inPlanes * 4 ? '' : `@${inChannels.join()}`
  return {
    kind: 'packed',
    key: `blocks ${name} [${weights.shape}] ${phases}x${taps.join('x')} ${groupPlanes} ${weights.inPlanes}${positions} ${storage}`,
    pack: (source) => {
      const data = source.tensor(name, weights.shape)
      const packed = new Float32Array(phases * groups * tapCount * blocksPerTap * 16)
      const firsts = Int32Array.from({ length: phases * tapCount }, (_, i) => {
        const tap = i % tapCount
        return weights.firstIndexOf(Math.floor(i / tapCount), Math.floor(tap / taps[1]), tap % taps[1])
      })
      // Taps innermost, as they lie in the file; the order matters to the cache, and start-up waits for this.
      for (let input = 0; input < inChannels.length; input++) {
        const position = inChannels[input] ?? 0
        const lane = (position & 3) * 4
        for (let output = 0; output < outChannels; output++) {
          const outPlane = output >> 2
          const group = Math.floor(outPlane / groupPlanes)
          const block = (position >> 2) * groupPlanes + (outPlane % groupPlanes)
          const channels = output * weights.outputStep + input * weights.inputStep
          for (let phase = 0; phase < phases; phase++) {
            let to = ((phase * groups + group) * tapCount * blocksPerTap + block) * 16 + lane + (output & 3)
            for (let tap = 0; tap < tapCount; tap++) {
              const first = firsts[phase * tapCount + tap] ?? -1
              if (first >= 0) packed[to] = data[first + channels] ?? 0
              to += blocksPerTap * 16
            }
          }
        }
      }
      return toStorage(packed, storage)
    },
  }
}

/**
 * The same of three input channels whose flat index tap * 3 + channel fills every lane:
 * `[phase][group of output planes][step of four][output plane of the group]`.
 */
export function packedTriples(weights: ConvWeights, groupPlanes: number, storage: Storage): Operand {
  const { name, phases, taps, outChannels } = weights
  const groups = Math.ceil(outChannels / (4 * groupPlanes))
  const tapCount = taps[0] * taps[1]
  const steps = Math.ceil(tapCount / 4) * 3
  return {
    kind: 'packed',
    key: `triples ${name} [${weights.shape}] ${phases}x${taps.join('x')} ${groupPlanes} ${storage}`,
    pack: (source) => {
      const data = source.tensor(name, weights.shape)
      const packed = new Float32Array(phases * groups * steps * groupPlanes * 16)
      for (let phase = 0; phase < phases; phase++) {
        for (let flat = 0; flat < tapCount * 3; flat++) {
          const [tap, channel] = [Math.floor(flat / 3), flat % 3]
          const first = weights.firstIndexOf(phase, Math.floor(tap / taps[1]), tap % taps[1])
          if (first < 0) continue
          for (let output = 0; output < outChannels; output++) {
            const group = Math.floor(output / (4 * groupPlanes))
            const block =
              ((phase * groups + group) * steps + (flat >> 2)) * groupPlanes + ((output >> 2) % groupPlanes)
            packed[(block * 4 + (flat & 3)) * 4 + (output & 3)] =
              data[first + output * weights.outputStep + channel * weights.inputStep] ?? 0
          }
        }
      }
      return toStorage(packed, storage)
    },
  }
}

/**
 * Biases, then slopes of the activation (see kernels/include/epilogue.wgsl), as `planes` vec4<f32> each.
 * @param channels output channels; lanes past them get bias 0 and slope 1
 */
export function packedVectors(
  bias: string | undefined,
  activation: Activation,
  channels: number,
  planes: number,
): Operand {
  const prelu = activation.kind === 'prelu' ? activation.slopes : undefined
  const slope = constantSlope(activation)
  return {
    kind: 'packed',
    key: `vectors ${bias ?? '-'} ${prelu ?? slope} ${channels} ${planes}`,
    pack: (source: WeightSource) => {
      const packed = new Float32Array(planes * 8)
      if (bias !== undefined) packed.set(source.tensor(bias, [channels]))
      packed.fill(prelu === undefined ? slope : 1, planes * 4)
      if (prelu !== undefined) packed.set(source.tensor(prelu, [channels]), planes * 4)
      return packed
    },
  }
}

export function constantSlope(activation: Activation): number {
  switch (activation.kind) {
    case 'relu':
      return 0
    case 'leakyRelu':
      return activation.slope
    case 'none':
    case 'prelu':
    case 'sigmoid':
    case 'tanh':
      return 1
    default:
      return activation satisfies never
  }
}

/** Depthwise weights [channels, 1, kh, kw] as `[plane][tap]` vec4, zero in the lanes past the last channel. */
export function packedPlanes(
  name: string,
  channels: number,
  kernel: readonly [number, number],
  storage: Storage,
): Operand {
  const shape = [channels, 1, kernel[0], kernel[1]]
  const taps = kernel[0] * kernel[1]
  return {
    kind: 'packed',
    key: `planes ${name} [${shape}] ${storage}`,
    pack: (source) => {
      const data = source.tensor(name, shape)
      const packed = new Float32Array(Math.ceil(channels / 4) * taps * 4)
      for (let channel = 0; channel < channels; channel++) {
        for (let tap = 0; tap < taps; tap++) {
          packed[((channel >> 2) * taps + tap) * 4 + (channel & 3)] = data[channel * taps + tap] ?? 0
        }
      }
      return toStorage(packed, storage)
    },
  }
}
