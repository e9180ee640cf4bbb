import { depthFromMotionShapes } from '../../src/nets/depth-from-motion.js'
import { elementsOf } from '../../src/weights/format.js'
import type { TensorToWrite } from '../../src/weights/safetensors.js'
import { writeSafetensors } from '../../src/weights/write-safetensors.js'
import { randomArray, seededRandom } from '../random.js'

/** Metadata as the trainer writes it, for `dffnet-m`. */
export const DEPTH_METADATA = {
  network: 'depth-from-motion',
  flows_of: 'dffnet-m',
  prior: '4',
  unit: '20',
  position_unit: '100',
  slope: '0.1',
  least_cover: '0.5',
}

/** Writes depth from motion with random weights that change dz, or with 3 axes (dx, dy, dz), by some px. */
export async function writeRandomDepth(
  path: string,
  {
    metadata = {},
    components = 6,
    hidden = 8,
    vertices = 468,
    axes = 1,
    outputs = axes * vertices,
  }: {
    metadata?: Record<string, string>
    components?: number
    hidden?: number
    vertices?: number
    axes?: 1 | 3
    outputs?: number
  } = {},
): Promise<void> {
  const all = { ...DEPTH_METADATA, ...metadata }
  const random = seededRandom('depth from motion')
  const shapes = depthFromMotionShapes({ components, hidden, axes }, all.prior !== '0', vertices)
    .set('depth.4.weight', [outputs, hidden])
    .set('depth.4.bias', [outputs])
  const tensors = [...shapes].map(([name, shape]): TensorToWrite => {
    const bound = name.endsWith('bias') ? 0.1 : Math.sqrt(3 / (shape[1] ?? 1))
    return { name, dtype: 'F16', shape, values: randomArray(random, elementsOf(shape), [-bound, bound]) }
  })
  await writeSafetensors(path, tensors, all)
}
