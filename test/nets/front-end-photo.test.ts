import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectionsInView } from '../../src/face/find/detection.js'
import { letterbox, roiFromDetection, roiToCrop } from '../../src/face/find/roi.js'
import { applySimilarityToPoints, invertSimilarity } from '../../src/geometry/similarity.js'
import type { Similarity } from '../../src/geometry/types.js'
import { GraphBuilder, type Value } from '../../src/graph/graph.js'
import { FACE_DETECTOR_INPUT, faceDetector, joinAnchors } from '../../src/nets/face-detector.js'
import { MESH_REGRESSOR_INPUT, meshRegressor } from '../../src/nets/mesh-regressor.js'
import { meshRegressorAttention, REFINED_VERTICES } from '../../src/nets/mesh-regressor-attention.js'
import {
  type ImageInputOptions,
  type ImageTransform,
  inputImages,
  packImageTransform,
} from '../../src/ops/image/image-input.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { distances, GOLDEN_NAMES, readGolden, readWeights } from './front-end-goldens.js'

/** From photo to mesh with nothing given but the photo, against the MediaPipe solution on the same photo. */
const MAX_PIXELS = 1 << 19

let engine: Engine
let detector: Plan
let regressors: { readonly plain: Plan; readonly attention: Plan }

async function photoPlan(
  network: string,
  input: ImageInputOptions,
  build: (graph: GraphBuilder, image: Value) => object,
): Promise<Plan> {
  const graph = new GraphBuilder(network)
  const image = inputImages(graph, 'image', ['photo'], { ...input, maxPixels: MAX_PIXELS })
  for (const [name, value] of Object.entries(build(graph, image))) outputTensor(graph, name, value)
  return await engine.compile(graph.build(), { weights: await readWeights(network) })
}

beforeAll(async () => {
  engine = await Engine.open()
  detector = await photoPlan('face-detector', FACE_DETECTOR_INPUT, faceDetector)
  regressors = {
    plain: await photoPlan('mesh-regressor', MESH_REGRESSOR_INPUT, meshRegressor),
    attention: await photoPlan('mesh-regressor-attention', MESH_REGRESSOR_INPUT, meshRegressorAttention),
  }
})

afterAll(() => engine.dispose())

interface Photo {
  readonly width: number
  readonly height: number
  readonly rgba: Uint8Array
}

/** One bilinear sample a pixel, as the original runtime takes them, instead of an average where it shrinks. */
function transformOf({ width, height }: Photo, toNetwork: Similarity): Float32Array {
  const { a, b, tx, ty } = invertSimilarity(toNetwork)
  const matrix: ImageTransform['matrix'] = [a, -b, tx, b, a, ty]
  return packImageTransform({ width, height, matrix, taps: [1, 1] })
}

async function run(plan: Plan, photo: Photo, toNetwork: Similarity) {
  plan.writePart('photo', photo.rgba)
  const outputs = await plan.compute({ 'photo.transform': transformOf(photo, toNetwork) })
  return (name: string) => outputs[name] as Float32Array
}

async function findCrop(photo: Photo): Promise<Similarity> {
  const output = await run(detector, photo, letterbox(photo.width, photo.height))
  const [face] = detectionsInView(
    joinAnchors(output('scores16'), output('scores8')),
    joinAnchors(output('boxes16'), output('boxes8')),
    letterbox(photo.width, photo.height),
  )
  if (face === undefined) throw new Error('no face')
  return roiToCrop(roiFromDetection(face))
}

describe('photo to mesh', () => {
  it.each(GOLDEN_NAMES)('%s: within 0.1 crop px of the original solution', async (name) => {
    const { photo, answers } = await readGolden(name)
    const toCrop = await findCrop(photo)
    const wanted = (tensor: string, count: number) =>
      applySimilarityToPoints(toCrop, answers.tensor(tensor, [count, 3]), 3)

    const mesh = (await run(regressors.plain, photo, toCrop))('mesh')
    expect(distances(mesh, wanted('photo.landmarks', 468), 468).mean).toBeLessThan(0.1)
    const refined = (await run(regressors.attention, photo, toCrop))('mesh')
    const { mean } = distances(refined, wanted('photo.refined', REFINED_VERTICES), REFINED_VERTICES)
    expect(mean).toBeLessThan(0.1)
  })
})
