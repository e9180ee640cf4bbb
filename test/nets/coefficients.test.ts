import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import {
  coefficientFeatures,
  coefficientLooks,
  coefficientMeshFeatures,
  coefficientNetwork,
  coefficientShapes,
  POSE_UNIT,
  READ_COEFFICIENTS,
} from '../../src/nets/coefficients.js'
import { frameType, IMAGE_TRANSFORM_TYPE, packImageTransform } from '../../src/ops/image/image-input.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { Engine } from '../../src/runtime/engine.js'
import type { Plan } from '../../src/runtime/plan.js'
import { readSafetensors } from '../../src/weights/safetensors.js'
import type { WeightFile } from '../../src/weights/weight-file.js'

/** Signs of yaw, pitch and roll in a mirror image. */
const MIRRORED_POSE = [-1, 1, -1] as const
const COUNT = READ_COEFFICIENTS.length

/** The shipped network against PyTorch (test/fixtures/coefficients/README.md). */
describe('the coefficient network', () => {
  let engine: Engine
  let plan: Plan
  let weights: WeightFile
  let features: number

  beforeAll(async () => {
    engine = await Engine.open()
    weights = await readSafetensors('weights/coefficients.safetensors')
    const meshFeatures = coefficientMeshFeatures(weights.entries())
    features = coefficientFeatures({ meshFeatures })
    const { ncc } = await loadNetworkFiles()
    const graph = new GraphBuilder('coefficients')
    const transform = (name: string) => graph.input(name, IMAGE_TRANSFORM_TYPE)
    const outputs = coefficientNetwork(
      graph,
      'read',
      {
        frame: graph.input('frame', frameType(224, 224)),
        mesh: inputTensor(graph, 'mesh', { n: 1, h: 1, w: 468, c: 3 }),
        looks: { eyes: transform('eyes'), mouth: transform('mouth') },
        rest: inputTensor(graph, 'rest', { n: 2, h: 1, w: 1, c: features }),
        known: inputTensor(graph, 'known', { n: 2, h: 1, w: 1, c: 1 }),
        mask: inputTensor(graph, 'mask', { n: 2, h: 1, w: 1, c: features }),
      },
      { size: 224, meshFeatures, ncc },
    )
    for (const [name, value] of Object.entries(outputs)) outputTensor(graph, name, value)
    plan = await engine.compile(graph.build(), { weights })
  })
  afterAll(() => engine.dispose())

  it('has weights for every layer and no others', () => {
    const shapes = coefficientShapes(coefficientMeshFeatures(weights.entries()), 468)
    expect(
      weights
        .entries()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...shapes.keys()].sort())
    expect(JSON.parse(weights.metadata.names ?? '[]')).toEqual([...READ_COEFFICIENTS])
  })

  it('gives what PyTorch gives, alone and against the person at rest', async () => {
    const golden = await readSafetensors('test/fixtures/coefficients/golden.safetensors')
    const [meshes, coefficients, poses] = [
      golden.tensor('meshes', [2, 468, 3]),
      golden.tensor('coefficients', [3, COUNT]),
      golden.tensor('pose', [3, 3]),
    ]
    const looks = coefficientLooks(224)
    const frames = await Promise.all([1, 2].map((i) => decodePhoto(`test/fixtures/dffnet/pair1-${i}.png`)))
    const read = async (frame: 0 | 1, rest?: Float32Array) =>
      (await plan.compute({
        frame: (frames[frame] as { data: Uint8Array }).data,
        mesh: meshes.slice(frame * 1404, (frame + 1) * 1404),
        eyes: packImageTransform(looks.eyes),
        mouth: packImageTransform(looks.mouth),
        rest: rest ?? new Float32Array(2 * features),
        known: new Float32Array(2).fill(rest ? 1 : 0),
        mask: new Float32Array(2 * features).fill(rest ? 1 : 0),
      })) as Record<'features' | 'coefficients' | 'pose', Float32Array>
    const first = await read(0)
    const rows = [first, await read(1), await read(1, first.features)]
    rows.forEach((found, row) => {
      READ_COEFFICIENTS.forEach((name, i) => {
        const other = name.replace(/Left|Right/, (side) => (side === 'Left' ? 'Right' : 'Left'))
        const mirrored = COUNT + (READ_COEFFICIENTS as readonly string[]).indexOf(other)
        const value = ((found.coefficients[i] as number) + (found.coefficients[mirrored] as number)) / 2
        const expected = coefficients[row * COUNT + i] as number
        expect(Math.min(1, Math.max(0, value)), `${name}, row ${row}`).toBeCloseTo(expected, 2)
      })
      MIRRORED_POSE.forEach((sign, i) => {
        const angle = ((found.pose[i] as number) + sign * (found.pose[3 + i] as number)) / 2
        expect(angle * POSE_UNIT, `angle ${i}, row ${row}`).toBeCloseTo(poses[3 * row + i] as number, 1)
      })
    })
  })
})
