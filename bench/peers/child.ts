import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { sampleOnce } from '../lib/measure.js'
import { seededWeights } from '../lib/networks.js'
import { answerTurns } from '../lib/turn-process.js'
import type { Peer, PeerInputs, PeerRequest } from './peer.js'
import type { Ready } from './process.js'

/**
 * One engine in a process of its own: opens the network, then runs it once for each message `run`. Answers with
 * times and, after the first run, with the flow.
 */
const request = JSON.parse(process.argv[2] ?? '') as PeerRequest

async function open(inputs: PeerInputs): Promise<Peer> {
  switch (request.peer) {
    case 'ours':
      return await (await import('./engines/ours.js')).open(request, inputs)
    case 'tfjs':
      return await (await import('./engines/tfjs.js')).open(request, inputs)
    case 'ort-webgpu':
    case 'ort-wasm':
    case 'ort-node':
      return await (await import('./engines/onnxruntime.js')).open(request, inputs)
    default:
      return request.peer satisfies never
  }
}

/** A real pair of frames; an encoding of plausible values, since the rasteriser is not part of the comparison. */
async function makeInputs(): Promise<PeerInputs> {
  const size = 224
  const encodingChannels = request.choice.meshPrior ? 7 : 3
  const images = new Float32Array(2 * size * size * 3)
  for (const which of [0, 1]) {
    const file = join(packageFacts().root, 'test', 'fixtures', 'dffnet', `pair0-${which + 1}.png`)
    const { data } = await decodePhoto(file)
    for (let p = 0; p < size * size; p++) {
      for (let c = 0; c < 3; c++) {
        images[(which * size * size + p) * 3 + c] = ((data[p * 4 + c] ?? 0) / 255 - 0.45) * 2
      }
    }
  }
  const noise = seededWeights('encoding.bias', [size * size * encodingChannels])
  return { images, encoding: noise.map((value) => value * 10 + 0.5), size, encodingChannels }
}

await answerTurns(async (): Promise<{ ready: Ready; run: () => Promise<unknown> }> => {
  const start = performance.now()
  const peer = await open(await makeInputs())
  const openMs = performance.now() - start
  let flow = new Float32Array()
  const first = await sampleOnce(async () => {
    flow = (await peer.run()) as Float32Array<ArrayBuffer>
    return undefined
  })
  const { version, device } = peer
  return { ready: { version, device, openMs, first, flow }, run: () => peer.run() }
})
