import type { Sample } from '../lib/measure.js'
import { TurnProcess } from '../lib/turn-process.js'
import { PEERS, type PeerRequest } from './peer.js'

export interface Ready {
  readonly version: string
  readonly device: string
  /** Module, device, model and pipelines, as far as the engine makes them before its first run. */
  readonly openMs: number
  readonly first: Sample
  readonly flow: Float32Array
}

/** An engine in its process. */
export class PeerProcess extends TurnProcess<Ready> {
  constructor(readonly request: PeerRequest) {
    super('bench/peers/child.ts', request, PEERS[request.peer].nodeArgs)
  }
}
