import { packageFacts } from '../../../src/platform/node/package-root.js'
import { Engine } from '../../../src/runtime/engine.js'
import { dffnetGraph, networkWeights } from '../../lib/networks.js'
import type { Peer, PeerInputs, PeerRequest } from '../peer.js'

export async function open(
  { adapter, choice }: PeerRequest,
  { images, encoding }: PeerInputs,
): Promise<Peer> {
  const engine = await Engine.open({ adapter })
  const plan = await engine.compile(dffnetGraph(choice), { weights: await networkWeights(choice) })
  return {
    version: packageFacts().version,
    device: engine.caps.name,
    run: async () => (await plan.compute({ images, encoding })).flow as Float32Array,
  }
}
