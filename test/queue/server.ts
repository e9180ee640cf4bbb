import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** Not an easy one: what has to be escaped in an address must arrive. */
export const PASSWORD = 'p@ss/w#rd:%1'

/** A Redis or Valkey server of the test's own: loopback, its own port, folder and password, every write logged. */
export class TestServer {
  #child: ChildProcess | null = null

  private constructor(
    readonly binary: string,
    readonly port: number,
    private readonly folder: string,
  ) {}

  static async start(folder: string): Promise<TestServer> {
    const server = new TestServer(findBinary(), await freePort(), folder)
    await mkdir(folder, { recursive: true })
    await server.#run()
    return server
  }

  get url(): string {
    return `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    child.kill('SIGTERM')
    await once(child, 'exit')
  }

  /** Down for a while, then up with what its log holds. */
  async restart(downMs: number): Promise<void> {
    await this.stop()
    await wait(downMs)
    await this.#run()
  }

  /** Bytes that it holds for its data. */
  async usedMemory(): Promise<number> {
    const client = new Redis(this.url)
    const info = await client.info('memory')
    client.disconnect()
    return Number(/used_memory:(\d+)/.exec(info)?.[1])
  }

  async #run(): Promise<void> {
    const options = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.folder,
      appendonly: 'yes',
      save: '',
      loglevel: 'warning',
    }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = spawn(this.binary, [...args, '--requirepass', PASSWORD], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#child = child
    const client = new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: 200 })
    client.on('error', () => undefined)
    try {
      for (;;) {
        if (child.exitCode !== null) throw new Error(`${this.binary} ended with ${child.exitCode}`)
        // While it reads its log it answers with LOADING.
        if ((await client.ping().catch(() => '')) === 'PONG') return
        await wait(50)
      }
    } finally {
      client.disconnect()
    }
  }
}

/** No server, no test: it is never left out in silence. */
function findBinary(): string {
  for (const name of ['redis-server', 'valkey-server']) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' })
      return name
    } catch {
      // The next one.
    }
  }
  throw new Error('neither redis-server nor valkey-server is installed: apt-get install redis-server')
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
