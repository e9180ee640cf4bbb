import type { Rgba } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import {
  SEGMENTATION_SIDE,
  SELFIE_SEGMENTATION_INPUT,
  selfieSegmentation,
} from '../nets/selfie-segmentation.js'
import { inputImages, packImageTransform } from '../ops/image/image-input.js'
import { outputTensor } from '../ops/tensor/border.js'
import { type ShippedFiles, shippedWeights } from '../platform/index.js'
import type { Engine } from '../runtime/engine.js'
import { readSafetensors } from '../weights/safetensors.js'
import { grown } from './backdrop.js'
import { guidedFilter } from './guided-filter.js'

/** Source pixels along an axis that a sample of the network stands for. */
const TAP = 2

/** Where the person is. */
export interface PersonMatte {
  /** h*w in [0, 1]. */
  readonly alpha: Float32Array
  /** h*w; not 0 where alpha is, and around, as far as the matte may err. */
  readonly person: Uint8Array
}

const FILE = 'selfie-segmentation.safetensors'

/** By how much the matte may miss the person, as a share of the picture's longer side. */
const MAY_MISS = 0.012

/**
 * The person in a picture: the segmentation network's matte, led along the picture's edges.
 * @param source where the package's own weights are
 * @throws EngineError
 */
export async function personMatte(engine: Engine, image: Rgba, source: ShippedFiles): Promise<PersonMatte> {
  const { width, height } = image
  const weights = await readSafetensors(shippedWeights(FILE, source), source)
  const graph = new GraphBuilder('selfie segmentation')
  const photo = inputImages(graph, 'image', ['photo'], {
    ...SELFIE_SEGMENTATION_INPUT,
    maxPixels: width * height,
  })
  outputTensor(graph, 'matte', selfieSegmentation(graph, photo))
  const plan = await engine.compile(graph.build(), { weights })
  try {
    const [sx, sy] = [width / SEGMENTATION_SIDE, height / SEGMENTATION_SIDE]
    const taps = [sx, sy].map((scale) => Math.min(16, Math.max(1, Math.ceil(scale / TAP)))) as [
      number,
      number,
    ]
    const transform = packImageTransform({ width, height, matrix: [sx, 0, 0, 0, sy, 0], taps })
    const { matte } = (await plan.compute({ photo: image.data, 'photo.transform': transform })) as {
      matte: Float32Array
    }
    const alpha = sharpened(guidedFilter(enlarged(matte, width, height), image))
    return { alpha, person: personAround(alpha, image) }
  } finally {
    plan.dispose()
  }
}

/** Where an alpha is not 0, and around, as far as it may err. */
export function personAround(
  alpha: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
): Uint8Array {
  const reach = Math.max(2, Math.round(MAY_MISS * Math.max(width, height)))
  const certain = Uint8Array.from(alpha, (value) => (value > 0 ? 1 : 0))
  return grown(certain, width, height, reach)
}

function enlarged(matte: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height)
  const last = SEGMENTATION_SIDE - 1
  for (let y = 0; y < height; y++) {
    const py = Math.max(0, Math.min(last, ((y + 0.5) * SEGMENTATION_SIDE) / height - 0.5))
    const top = Math.floor(py)
    const bottom = Math.min(top + 1, last)
    for (let x = 0; x < width; x++) {
      const px = Math.max(0, Math.min(last, ((x + 0.5) * SEGMENTATION_SIDE) / width - 0.5))
      const left = Math.floor(px)
      const right = Math.min(left + 1, last)
      const row = (line: number) => {
        const first = matte[line * SEGMENTATION_SIDE + left] as number
        return first + (px - left) * ((matte[line * SEGMENTATION_SIDE + right] as number) - first)
      }
      const above = row(top)
      out[y * width + x] = above + (py - top) * (row(bottom) - above)
    }
  }
  return out
}

/** The filter leaves a haze on both sides, which would be a halo once the head moves. */
const SURE = { nobody: 0.15, person: 0.85 } as const

function sharpened(alpha: Float32Array): Float32Array {
  return alpha.map((value) => Math.max(0, Math.min(1, (value - SURE.nobody) / (SURE.person - SURE.nobody))))
}
