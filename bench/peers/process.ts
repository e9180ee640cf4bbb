import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { Sample } from '../lib/measure.js'
import { PEERS, type PeerRequest } from './peer.js'

export interface Ready {
  readonly kind: 'ready'
  readonly version: string
  readonly device: string
  /** Module, device, model and pipelines, as far as the engine makes them before its first run. */
  readonly openMs: number
  readonly first: Sample
  readonly flow: Float32Array
}

type Message =
  | Ready
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'failed'; readonly reason: string }

/** An engine in its process. */
export class PeerProcess {
  readonly #child: ChildProcess
  #log = ''

  constructor(readonly request: PeerRequest) {
    const script = join(packageFacts().root, 'bench', 'peers', 'child.ts')
    this.#child = fork(script, [JSON.stringify(request)], {
      execArgv: [...PEERS[request.peer].nodeArgs, '--import', 'tsx'],
      cwd: packageFacts().root,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk).slice(-4000)
    }
    this.#child.stdout?.on('data', keep)
    this.#child.stderr?.on('data', keep)
  }

  /** @throws Error with what the process said if the engine does not come up or run the network */
  async ready(): Promise<Ready> {
    const message = await this.#message()
    if (message.kind !== 'ready') throw new Error('the first message must be that the engine is ready')
    return message
  }

  async run(): Promise<Sample> {
    this.#child.send('run')
    const message = await this.#message()
    if (message.kind !== 'sample') throw new Error('a run is answered by its times')
    return message.sample
  }

  end(): void {
    if (this.#child.connected) this.#child.send('end')
  }

  #message(): Promise<Exclude<Message, { kind: 'failed' }>> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#child.off('message', onMessage)
        this.#child.off('exit', onExit)
      }
      const onMessage = (message: unknown): void => {
        stop()
        const known = message as Message
        if (known.kind === 'failed') reject(new Error(known.reason))
        else resolve(known)
      }
      const onExit = (status: number | null, signal: string | null): void => {
        stop()
        reject(new Error(`the process ended with ${status ?? signal}:\n${this.#log}`))
      }
      this.#child.on('message', onMessage)
      this.#child.on('exit', onExit)
    })
  }
}
