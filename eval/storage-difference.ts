import {
  type Engine,
  GraphBuilder,
  loadNetworkFiles,
  outputTensor,
  REGISTERED_INPUTS,
  registeredFlow,
  registeredFlowConfig,
  registeredFlowWeights,
  registeredRoiTransform,
} from '../src/engine.js'
import type { Rgba } from '../src/index.js'
import { packImageTransform } from '../src/ops/image/image-input.js'

/** How far flows of f16 storage lie from those of f32 storage, template px, over the face's pixels. */
export interface StorageDifference {
  readonly pair: string
  readonly mean: number
  readonly worst: number
}

/** Bytes of a plan on the device. */
export interface PlanBytes {
  readonly tensors: number
  readonly weights: number
}

export interface StorageReport {
  readonly pairs: readonly StorageDifference[]
  readonly f32: PlanBytes
  readonly f16: PlanBytes
}

/**
 * The flow of a shipped network in both storages, pair by pair.
 * @throws EngineError UNSUPPORTED where the adapter has no shader-f16
 */
export async function storageDifference(
  engine: Engine,
  pairs: readonly { readonly name: string; readonly a: Rgba; readonly b: Rgba }[],
  options: { readonly schedule: 'software' | 'hardware'; readonly network?: string },
): Promise<StorageReport> {
  const files = await loadNetworkFiles(options.network ?? 'dffnet-m')
  const config = registeredFlowConfig(files)
  const graph = new GraphBuilder('registered flow')
  const { flow, mask } = registeredFlow(graph, config)
  outputTensor(graph, 'flow', flow)
  outputTensor(graph, 'mask', mask)
  const weights = registeredFlowWeights(files)
  const roi = packImageTransform(registeredRoiTransform(config))
  const compile = async (storage: 'f32' | 'f16') => {
    const plan = await engine.compile(graph.build(), { weights, schedule: options.schedule, storage })
    const tensors = plan.spec.slotBytes.reduce((sum, bytes) => sum + bytes, 0)
    const packed = [...plan.spec.packed.values()].map((pack) => pack(weights).byteLength)
    return { plan, bytes: { tensors, weights: packed.reduce((sum, bytes) => sum + bytes, 0) } }
  }
  const [full, half] = [await compile('f32'), await compile('f16')]
  try {
    const differences: StorageDifference[] = []
    for (const { name, a, b } of pairs) {
      const inputs = {
        [REGISTERED_INPUTS.i1]: a.data,
        [REGISTERED_INPUTS.i2]: b.data,
        [REGISTERED_INPUTS.roi]: roi,
      }
      const wanted = await full.plan.compute(inputs)
      const got = await half.plan.compute(inputs)
      const [before, after] = [wanted.flow as Float32Array, got.flow as Float32Array]
      let [sum, worst, count] = [0, 0, 0]
      const face = wanted.mask as Float32Array
      face.forEach((covered, pixel) => {
        if (covered === 0) return
        const apart = Math.hypot(
          ...[0, 1, 2].map((c) => (after[3 * pixel + c] as number) - (before[3 * pixel + c] as number)),
        )
        sum += apart
        worst = Math.max(worst, apart)
        count++
      })
      differences.push({ pair: name, mean: sum / Math.max(1, count), worst })
    }
    return { pairs: differences, f32: full.bytes, f16: half.bytes }
  } finally {
    full.plan.dispose()
    half.plan.dispose()
  }
}
