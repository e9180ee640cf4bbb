import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './server.js'

/** Those of the server, which has no others. */
export const KEYS = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' } as const
export const BUCKET = 'corpora'

const SERVER = fileURLToPath(new URL('s3/node_modules/@20minutes/s3rver/lib/s3rver.js', import.meta.url))
/** Its own command is not in its package. */
const PROGRAM = `
const [server, directory, port, name] = process.argv.slice(1)
const S3rver = require(server)
new S3rver({ address: '127.0.0.1', port, directory, silent: true, configureBuckets: [{ name }] }).run()
`

/** A server with the interface of S3, of the test's own: loopback, its own port and folder. */
export class ObjectServer {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {}

  static async start(folder: string): Promise<ObjectServer> {
    await mkdir(folder, { recursive: true })
    const port = await freePort()
    const args = ['-e', PROGRAM, SERVER, folder, String(port), BUCKET]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const server = new ObjectServer(port, child)
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the object server ended with ${child.exitCode}`)
      if (
        await fetch(server.url).then(
          () => true,
          () => false,
        )
      )
        return server
      await wait(50)
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What names it to the command. */
  get env(): Record<string, string> {
    return { ...KEYS, AWS_ENDPOINT_URL: this.url, AWS_REGION: 'us-east-1' }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await once(this.child, 'exit')
  }
}
