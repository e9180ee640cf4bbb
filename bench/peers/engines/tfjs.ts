import { dffnetGraph, networkWeights } from '../../lib/networks.js'
import type { Peer, PeerInputs, PeerRequest } from '../peer.js'
import { installWebGpu } from '../webgpu-globals.js'

export async function open(request: PeerRequest, inputs: PeerInputs): Promise<Peer> {
  const device = await installWebGpu(request.adapter)
  // It looks for a browser's window before it registers its backend.
  Object.assign(globalThis, { window: globalThis })
  const tf = await import('@tensorflow/tfjs-core')
  await import('@tensorflow/tfjs-backend-webgpu')
  const { tfjsModel } = await import('../tfjs-model.js')
  await tf.setBackend('webgpu')
  await tf.ready()
  const model = tfjsModel(dffnetGraph(request.choice), await networkWeights(request.choice))
  const { size, encodingChannels } = inputs
  return {
    version: tf.version_core,
    device,
    run: async () => {
      const images = tf.tensor4d(inputs.images, [2, size, size, 3])
      const encoding = tf.tensor4d(inputs.encoding, [1, size, size, encodingChannels])
      const flow = model({ images, encoding })
      const data = (await flow.data()) as Float32Array
      for (const tensor of [images, encoding, flow]) tensor.dispose()
      return data
    },
  }
}
