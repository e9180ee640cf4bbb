import type { Operand } from '../../graph/op.js'
import type { ConvWeights } from './packing.js'
import type { WindowSplit } from './variants.js'

/** Transform positions per axis: outputs of a tile + taps - 1, for F(4x4, 3x3) and F(3x3, 4x4) alike. */
export const SIZE = 6
export const POSITIONS = SIZE * SIZE

/**
 * Transformed weights G g G^T as 4x4 blocks (column = input lane, row = output lane) in the order
 * `[position][group of output planes][input plane][output plane of the group]`.
 */
export function packedTransforms(weights: ConvWeights, split: WindowSplit, groupPlanes: number): Operand {
  const { name, phases, inChannels } = weights
  const positions = inChannels.length === weights.inPlanes * 4 ? '' : `@${inChannels.join()}`
  return {
    kind: 'packed',
    key: `winograd ${name} [${weights.shape}] ${phases}/${split.stride} ${split.origin} ${split.taps} ${groupPlanes} ${weights.inPlanes}${positions}`,
    pack: (source) => packTransforms(weights, split, groupPlanes, source.tensor(name, weights.shape)),
  }
}

/** Plain loops over flat arrays: the shipped network has some 10^5 windows, and start-up waits for them. */
function packTransforms(
  weights: ConvWeights,
  split: WindowSplit,
  groupPlanes: number,
  data: Float32Array,
): Float32Array {
  const { phases, outChannels, inChannels } = weights
  const outPlanes = Math.ceil(outChannels / 4)
  const groups = Math.ceil((phases * outPlanes) / groupPlanes)
  const rows = split.stride ** 2 * weights.inPlanes
  const packed = new Float32Array(POSITIONS * groups * rows * groupPlanes * 16)
  const positionStep = groups * rows * groupPlanes * 16
  const window = new Float64Array(split.taps ** 2)
  const scratch = transformScratch(split.taps)
  for (let phase = 0; phase < phases; phase++) {
    for (let inPhase = 0; inPhase < split.stride ** 2; inPhase++) {
      const firsts = windowFirsts(weights, split, phase, inPhase)
      for (let output = 0; output < outChannels; output++) {
        const outPlane = phase * outPlanes + (output >> 2)
        const group = Math.floor(outPlane / groupPlanes)
        for (let channel = 0; channel < inChannels.length; channel++) {
          const channels = output * weights.outputStep + channel * weights.inputStep
          for (let j = 0; j < window.length; j++) {
            const first = firsts[j] ?? -1
            window[j] = first < 0 ? 0 : (data[first + channels] ?? 0)
          }
          transformInto(scratch, window)
          const position = inChannels[channel] ?? 0
          const row = inPhase * weights.inPlanes + (position >> 2)
          const block = (group * rows + row) * groupPlanes + (outPlane % groupPlanes)
          let to = block * 16 + (position & 3) * 4 + (output & 3)
          for (let at = 0; at < POSITIONS; at++) {
            packed[to] = scratch.values[at] ?? 0
            to += positionStep
          }
        }
      }
    }
  }
  return packed
}

/** `firstIndexOf` the taps of the problem's window under those of a small window; -1 past its edge. */
function windowFirsts(weights: ConvWeights, split: WindowSplit, phase: number, inPhase: number): Int32Array {
  const { taps } = weights
  const delay = split.delays[phase] ?? [0, 0]
  return Int32Array.from({ length: split.taps ** 2 }, (_, j) => {
    const tapY = split.stride * Math.floor(j / split.taps) + Math.floor(inPhase / split.stride) - delay[0]
    const tapX = split.stride * (j % split.taps) + (inPhase % split.stride) - delay[1]
    const inside = tapY >= 0 && tapX >= 0 && tapY < taps[0] && tapX < taps[1]
    return inside ? weights.firstIndexOf(phase, tapY, tapX) : -1
  })
}

/** Evaluation at 0, 1, -1, 2, -2 and infinity, with the factors that the input transform leaves to the weights. */
const POINTS = [0, 1, -1, 2, -2] as const
const FACTORS = [1 / 4, -1 / 6, -1 / 6, 1 / 24, 1 / 24] as const

/** G for a number of taps, row by row. */
function evaluation(taps: number): Float64Array {
  const matrix = new Float64Array(SIZE * taps)
  for (let power = 0; power < taps; power++) {
    POINTS.forEach((point, i) => {
      matrix[i * taps + power] = (FACTORS[i] ?? 0) * point ** power
    })
  }
  matrix[SIZE * taps - 1] = 1
  return matrix
}

const MATRICES = { 3: evaluation(3), 4: evaluation(4) } as const

interface TransformScratch {
  readonly taps: 3 | 4
  /** G g, taps columns. */
  readonly columns: Float64Array
  /** G g G^T, 6x6. */
  readonly values: Float64Array
}

function transformScratch(taps: 3 | 4): TransformScratch {
  return { taps, columns: new Float64Array(SIZE * taps), values: new Float64Array(POSITIONS) }
}

function transformInto({ taps, columns, values }: TransformScratch, window: Float64Array): void {
  const matrix = MATRICES[taps]
  for (let row = 0; row < SIZE; row++) {
    for (let x = 0; x < taps; x++) {
      let sum = 0
      for (let y = 0; y < taps; y++) sum += (matrix[row * taps + y] ?? 0) * (window[y * taps + x] ?? 0)
      columns[row * taps + x] = sum
    }
  }
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      let sum = 0
      for (let x = 0; x < taps; x++) {
        sum += (matrix[column * taps + x] ?? 0) * (columns[row * taps + x] ?? 0)
      }
      values[row * SIZE + column] = sum
    }
  }
}
