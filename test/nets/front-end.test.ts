import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roiToCrop } from '../../src/face/find/roi.js'
import { applySimilarityToPoints } from '../../src/geometry/similarity.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { FACE_DETECTOR_INPUT, faceDetector, joinAnchors } from '../../src/nets/face-detector.js'
import { MESH_REGRESSOR_INPUT, meshRegressor } from '../../src/nets/mesh-regressor.js'
import { meshRegressorAttention, REFINED_VERTICES } from '../../src/nets/mesh-regressor-attention.js'
import { inputRegistered } from '../../src/ops/image/image-input.js'
import { outputTensor } from '../../src/ops/tensor/border.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { distances, GOLDEN_NAMES, maxDifference, readGolden, readWeights } from './front-end-goldens.js'

/** Against LiteRT.js, which runs the original graphs on the CPU (test/fixtures/front-end/README.md). */
let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})

afterAll(() => engine.dispose())

const values = (output: unknown) => output as Float32Array

describe('face detector', () => {
  let plan: Plan
  beforeAll(async () => {
    const graph = new GraphBuilder('face-detector')
    const { border: _, ...input } = FACE_DETECTOR_INPUT
    const maps = faceDetector(graph, inputRegistered(graph, 'image', ['photo'], input))
    for (const [name, map] of Object.entries(maps)) outputTensor(graph, name, map)
    plan = await engine.compile(graph.build(), { weights: await readWeights('face-detector') })
  })

  it.each(GOLDEN_NAMES)('%s: raw scores and boxes of all 896 anchors', async (name) => {
    const { detectorInput, answers } = await readGolden(name)
    const { scores16, scores8, boxes16, boxes8 } = await plan.compute({ photo: detectorInput })
    const scores = joinAnchors(values(scores16), values(scores8))
    const boxes = joinAnchors(values(boxes16), values(boxes8))
    expect(maxDifference(scores, answers.tensor('detector.scores', [896]))).toBeLessThan(0.002)
    // Detector px; most anchors see no face, and their boxes mean nothing but must agree all the same.
    expect(maxDifference(boxes, answers.tensor('detector.boxes', [896, 16]))).toBeLessThan(0.002)
  })
})

describe('mesh regressor', () => {
  let plan: Plan
  beforeAll(async () => {
    const graph = new GraphBuilder('mesh-regressor')
    const { border: _, ...input } = MESH_REGRESSOR_INPUT
    const { mesh, flag } = meshRegressor(graph, inputRegistered(graph, 'image', ['crop'], input))
    outputTensor(graph, 'mesh', mesh)
    outputTensor(graph, 'flag', flag)
    plan = await engine.compile(graph.build(), { weights: await readWeights('mesh-regressor') })
  })

  it.each(GOLDEN_NAMES)('%s: 468 vertices and face flag', async (name) => {
    const { crop, answers } = await readGolden(name)
    const { mesh, flag } = await plan.compute({ crop })
    const { mean, max } = distances(values(mesh), answers.tensor('mesh.vertices', [468, 3]), 468)
    expect(mean).toBeLessThan(0.001)
    expect(max).toBeLessThan(0.005)
    expect(maxDifference(values(flag), answers.tensor('mesh.flag', [1]))).toBeLessThan(0.002)
  })
})

describe('mesh regressor with attention', () => {
  let plan: Plan
  beforeAll(async () => {
    const graph = new GraphBuilder('mesh-regressor-attention')
    const { border: _, ...input } = MESH_REGRESSOR_INPUT
    const { mesh, flag } = meshRegressorAttention(graph, inputRegistered(graph, 'image', ['crop'], input))
    outputTensor(graph, 'mesh', mesh)
    outputTensor(graph, 'flag', flag)
    plan = await engine.compile(graph.build(), { weights: await readWeights('mesh-regressor-attention') })
  })

  // The MediaPipe solution samples the crop on the GPU, which alone moves the plain mesh by 0.03 to 0.04 px.
  it.each(GOLDEN_NAMES)('%s: 468 vertices and irises, within 0.2 crop px of the solution', async (name) => {
    const { crop, roi, answers } = await readGolden(name)
    const { mesh, flag } = await plan.compute({ crop })
    const wanted = applySimilarityToPoints(
      roiToCrop(roi),
      answers.tensor('photo.refined', [REFINED_VERTICES, 3]),
      3,
    )
    const { mean, max } = distances(values(mesh), wanted, REFINED_VERTICES)
    expect(mean).toBeLessThan(0.1)
    expect(max).toBeLessThan(0.3)
    expect(values(flag)[0]).toBeGreaterThan(0)
  })
})
