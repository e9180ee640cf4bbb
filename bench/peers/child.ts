import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { decodePhoto } from '../../src/platform/node/image.js'
import { sampleOnce } from '../lib/measure.js'
import { seededWeights } from '../lib/networks.js'
import type { Peer, PeerInputs, PeerRequest } from './peer.js'

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

const send = (message: object): void => {
  process.send?.(message)
}

try {
  const start = performance.now()
  const peer = await open(await makeInputs())
  const openMs = performance.now() - start
  let flow = new Float32Array()
  const first = await sampleOnce(async () => {
    flow = (await peer.run()) as Float32Array<ArrayBuffer>
    return undefined
  })
  send({ kind: 'ready', version: peer.version, device: peer.device, openMs, first, flow })
  process.on('message', (message: 'run' | 'end') => {
    if (message === 'end') process.exit(0)
    sampleOnce(async () => {
      await peer.run()
      return undefined
    }).then(
      (sample) => send({ kind: 'sample', sample }),
      (error: unknown) => fail(error),
    )
  })
} catch (error) {
  fail(error)
}

function fail(error: unknown): void {
  send({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}
