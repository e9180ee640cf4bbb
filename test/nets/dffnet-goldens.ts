import { loadNetworkFiles, SHIPPED_NETWORKS } from '../../src/face/network-files.js'
import { GraphBuilder } from '../../src/graph/graph.js'
import { dffnet } from '../../src/nets/dffnet.js'
import { inputTensor, outputTensor } from '../../src/ops/tensor/border.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import type { Engine } from '../../src/runtime/engine.js'
import { readSafetensors } from '../../src/weights/safetensors.js'

/** The goldens of test/fixtures/dffnet, for the tests and for the report of an adapter. */

const SIZE = 224

/** Px; f16 rounds the goldens by 0.008. */
export const GOLDEN_BOUND = 0.05

/** Those that were trained; the others are these in 8 bits. */
export const GOLDEN_NETWORKS = SHIPPED_NETWORKS.filter((network) => !network.endsWith('-8bit'))

export function network(a: number, encodingChannels: 3 | 7, fineMatching: boolean) {
  const graph = new GraphBuilder(`dffnet ${a}`)
  const images = inputTensor(graph, 'images', { n: 2, h: SIZE, w: SIZE, c: 3 })
  const encoding = inputTensor(graph, 'encoding', { n: 1, h: SIZE, w: SIZE, c: encodingChannels })
  const flows = dffnet(graph, images, encoding, { a, encodingChannels, fineMatching })
  flows.forEach((flow, scale) => {
    outputTensor(graph, `flow${scale}`, flow)
  })
  return graph.build()
}

/**
 * Largest difference of a shipped DFFNet from what PyTorch gives, px, for each of the four pairs.
 * @param folder test/fixtures/dffnet
 * @param trained whose goldens these are
 */
export async function goldenDifferences(
  engine: Engine,
  shipped: string,
  folder: string,
  trained = shipped,
): Promise<number[]> {
  const { dffnet: weights, dffnetConfig } = await loadNetworkFiles(shipped)
  const plan = await engine.compile(network(dffnetConfig.a, 7, dffnetConfig.fineMatching), { weights })
  const differences: number[] = []
  for (let pair = 0; pair < 4; pair++) {
    const golden = await readSafetensors(`${folder}/pair${pair}.safetensors`)
    const [row, column] = [...golden.indices('origin', [2])] as [number, number]
    const shape = golden.entries().find(({ name }) => name === 'encoding')?.shape
    const [, h = 0, w = 0] = shape ?? []
    const images = new Float32Array(2 * SIZE * SIZE * 3)
    for (const [k, name] of ['1', '2'].entries()) {
      const photo = await decodePhoto(`${folder}/pair${pair}-${name}.png`)
      for (let p = 0; p < SIZE * SIZE; p++) {
        for (let c = 0; c < 3; c++) {
          images[(k * SIZE * SIZE + p) * 3 + c] = ((photo.data[p * 4 + c] as number) / 255 - 0.45) * 2
        }
      }
    }
    const window = golden.tensor('encoding', [7, h, w])
    const encoding = new Float32Array(SIZE * SIZE * 7)
    const at = (y: number, x: number) => (row + y) * SIZE + column + x
    for (let c = 0; c < 7; c++) {
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) encoding[at(y, x) * 7 + c] = window[(c * h + y) * w + x] as number
      }
    }
    const { flow6 } = (await plan.compute({ images, encoding }, ['flow6'])) as { flow6: Float32Array }
    const outputs = await readSafetensors(`${folder}/pair${pair}-${trained}.safetensors`)
    const expected = outputs.tensor('flow', [3, h, w])
    let worst = 0
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
          const got = (flow6[at(y, x) * 3 + c] as number) * 20
          worst = Math.max(worst, Math.abs(got - (expected[(c * h + y) * w + x] as number)))
        }
      }
    }
    differences.push(worst)
  }
  plan.dispose()
  return differences
}
