import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Ort from 'onnxruntime-common'
import { dffnetGraph, networkWeights } from '../../lib/networks.js'
import { onnxModel } from '../onnx-model.js'
import { type Peer, type PeerInputs, type PeerRequest, toChannelsFirst, toChannelsLast } from '../peer.js'
import { installWebGpu } from '../webgpu-globals.js'

/** onnxruntime in its three forms: they share one API. */
export async function open(request: PeerRequest, inputs: PeerInputs): Promise<Peer> {
  const { ort, options, device } = await load(request)
  const model = onnxModel(dffnetGraph(request.choice), await networkWeights(request.choice))
  const session = await ort.InferenceSession.create(model, { ...options, logSeverityLevel: 3 })
  const { size, encodingChannels } = inputs
  const pixels = size * size
  const images = new ort.Tensor('float32', toChannelsFirst(inputs.images, pixels, 3), [2, 3, size, size])
  const encoding = new ort.Tensor('float32', toChannelsFirst(inputs.encoding, pixels, encodingChannels), [
    1,
    encodingChannels,
    size,
    size,
  ])
  return {
    version: ort.env.versions.web ?? ort.env.versions.node ?? ort.env.versions.common,
    device,
    run: async () => {
      const { flow } = await session.run({ images, encoding })
      if (flow === undefined) throw new TypeError('the model has no output "flow"')
      return toChannelsLast((await flow.getData()) as Float32Array, pixels, 3)
    },
  }
}

interface Loaded {
  readonly ort: typeof Ort
  readonly options: Ort.InferenceSession.SessionOptions
  readonly device: string
}

async function load({ peer, adapter, threads }: PeerRequest): Promise<Loaded> {
  switch (peer) {
    case 'ort-webgpu': {
      const device = await installWebGpu(adapter)
      const ort = (await import('onnxruntime-web/webgpu')) as typeof Ort
      ort.env.wasm.numThreads = 1
      ort.env.wasm.wasmBinary = await moduleBytes('ort-wasm-simd-threaded.asyncify.wasm')
      return { ort, options: { executionProviders: ['webgpu'] }, device }
    }
    case 'ort-wasm': {
      const ort = (await import('onnxruntime-web')) as typeof Ort
      ort.env.wasm.numThreads = threads
      return { ort, options: { executionProviders: ['wasm'] }, device: `${threads} threads` }
    }
    case 'ort-node': {
      const ort = (await import('onnxruntime-node')) as unknown as typeof Ort
      return {
        ort,
        options: { executionProviders: ['cpu'], intraOpNumThreads: threads },
        device: `${threads} threads`,
      }
    }
    default:
      throw new TypeError(`${peer} is not a form of onnxruntime`)
  }
}

/** onnxruntime-web would fetch() its module, which Node does not do for files. */
async function moduleBytes(file: string): Promise<ArrayBuffer> {
  const folder = dirname(fileURLToPath(import.meta.resolve('onnxruntime-web')))
  return new Uint8Array(await readFile(join(folder, file))).buffer
}
