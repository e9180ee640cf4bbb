import type { OpenDeviceOptions } from '../gpu/device.js'
import { GraphBuilder } from '../graph/graph.js'
import type { Schedule } from '../graph/op.js'
import { conv2d } from '../ops/conv/conv2d.js'
import { leakyRelu } from '../ops/tensor/activation.js'
import { inputTensor, outputTensor } from '../ops/tensor/border.js'
import type { AdapterCaps } from '../platform/caps.js'
import { Engine } from './engine.js'

export interface SelfTest {
  /** Largest difference from the float64 reference, as a share of the reference's largest value. */
  readonly maxError: number
  /** True below PASS_BOUND. */
  readonly passed: boolean
  readonly ms: number
}

/** The adapter that `openDevice` takes, and whether it computes what it should. */
export interface AdapterCheck {
  readonly selection: string
  readonly caps: AdapterCaps
  readonly schedule: Schedule
  readonly test: SelfTest
}

/** Float32 loses about 1e-7 in sums of this length and 1e-5 in Winograd's transforms; broken drivers far more. */
const PASS_BOUND = 1e-4

const SIZE = 24
const IN = 5
const OUT = 19
const SLOPE = 0.1

/**
 * Opens the adapter of these options, runs the self-test and closes it again.
 * @throws EngineError NO_ADAPTER
 */
export async function checkAdapter(options: OpenDeviceOptions = {}): Promise<AdapterCheck> {
  const engine = await Engine.open(options)
  try {
    const { selection, caps } = engine
    return {
      selection,
      caps,
      schedule: caps.software ? 'software' : 'hardware',
      test: await selfTest(engine),
    }
  } finally {
    engine.dispose()
  }
}

/** Runs a small convolution on the device and on the CPU: does this adapter compute what it should? */
export async function selfTest(engine: Engine): Promise<SelfTest> {
  const start = performance.now()
  const graph = new GraphBuilder('self-test')
  const x = inputTensor(graph, 'x', { n: 1, h: SIZE, w: SIZE, c: IN })
  const y = conv2d(graph, 'conv', x, { weight: 'weight', outChannels: OUT, kernel: 3, stride: 1, padding: 1 })
  outputTensor(graph, 'y', leakyRelu(graph, 'act', y, SLOPE))
  const weight = Float32Array.from({ length: OUT * IN * 9 }, (_, i) => Math.sin(i * 12.9898))
  const input = Float32Array.from({ length: SIZE * SIZE * IN }, (_, i) => Math.sin(i * 78.233))
  const plan = await engine.compile(graph.build(), { weights: { tensor: () => weight } })
  try {
    const outputs = await plan.compute({ x: input })
    const actual = outputs.y as Float32Array
    let worst = 0
    let range = 0
    for (let i = 0; i < actual.length; i++) {
      const wanted = reference(input, weight, i)
      worst = Math.max(worst, Math.abs((actual[i] as number) - wanted))
      range = Math.max(range, Math.abs(wanted))
    }
    const maxError = worst / range
    return { maxError, passed: maxError < PASS_BOUND, ms: performance.now() - start }
  } finally {
    plan.dispose()
  }
}

/** Output element `index` of the padded 3x3 convolution, HWC in and out, weights OIHW. */
function reference(input: Float32Array, weight: Float32Array, index: number): number {
  const channel = index % OUT
  const column = Math.floor(index / OUT) % SIZE
  const row = Math.floor(index / (OUT * SIZE))
  let sum = 0
  for (let c = 0; c < IN; c++) {
    for (let ky = 0; ky < 3; ky++) {
      for (let kx = 0; kx < 3; kx++) {
        const [y, x] = [row + ky - 1, column + kx - 1]
        if (y < 0 || x < 0 || y >= SIZE || x >= SIZE) continue
        const value = input[(y * SIZE + x) * IN + c] as number
        sum += value * (weight[((channel * IN + c) * 3 + ky) * 3 + kx] as number)
      }
    }
  }
  return sum >= 0 ? sum : sum * SLOPE
}
