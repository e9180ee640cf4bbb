import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { type Sample, sampleOnce } from './measure.js'

type Message<Ready> =
  | { readonly kind: 'ready'; readonly ready: Ready }
  | { readonly kind: 'sample'; readonly sample: Sample }
  | { readonly kind: 'failed'; readonly reason: string }

/** A process that runs something whenever its turn comes; its script hands `answerTurns` what it runs. */
export class TurnProcess<Ready> {
  readonly #child: ChildProcess
  #log = ''

  /**
   * @param script below the package's folder
   * @param request handed to the script, as JSON
   */
  constructor(script: string, request: object, nodeArgs: readonly string[] = []) {
    const { root } = packageFacts()
    this.#child = fork(join(root, script), [JSON.stringify(request)], {
      execArgv: [...nodeArgs, '--import', 'tsx'],
      cwd: root,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk).slice(-4000)
    }
    this.#child.stdout?.on('data', keep)
    this.#child.stderr?.on('data', keep)
  }

  /** @throws Error with what the process said if it does not come up or run */
  async ready(): Promise<Ready> {
    const message = await this.#message()
    if (message.kind !== 'ready') throw new Error('the first message must be that the process is ready')
    return message.ready
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

  #message(): Promise<Exclude<Message<Ready>, { kind: 'failed' }>> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#child.off('message', onMessage)
        this.#child.off('exit', onExit)
      }
      const onMessage = (message: unknown): void => {
        stop()
        const known = message as Message<Ready>
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

/** The other end, in the process: opens what is run, then runs it once for each turn and answers with its times. */
export async function answerTurns<Ready>(
  open: () => Promise<{ readonly ready: Ready; readonly run: () => Promise<unknown> }>,
): Promise<void> {
  const send = (message: Message<Ready>): void => {
    process.send?.(message)
  }
  const fail = (error: unknown): void => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    send({ kind: 'failed', reason })
  }
  try {
    const { ready, run } = await open()
    send({ kind: 'ready', ready })
    process.on('message', (message: 'run' | 'end') => {
      if (message === 'end') process.exit(0)
      sampleOnce(async () => {
        await run()
        return undefined
      }).then((sample) => send({ kind: 'sample', sample }), fail)
    })
  } catch (error) {
    fail(error)
  }
}
