import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { AwsClient } from 'aws4fetch'
import { FaceError } from '../../errors.js'
import { makeOutputFolder, outputFailed } from '../../platform/node/atomic.js'
import { sha256Now } from '../../platform/node/hash.js'
import { temporaryName } from '../../platform/node/owner.js'
import { isBuiltIn, messageOf } from '../../realms.js'
import { fileFacts } from '../entry-record.js'
import { parseStoreAddress, type StoreAddress } from './address.js'
import type { ObjectStore } from './object-store.js'

/** The version that this package is tested with. */
const INSTALL = 'npm install aws4fetch@1.0.20'
/** What one request can put, bytes: a limit of the interface. */
const LARGEST_OBJECT = 5 * 2 ** 30
/** A request that fails for reasons of the moment is made again after these pauses, ms. */
const PAUSES = [200, 1000, 4000]

/** Object storage with the interface of Amazon S3: that one, MinIO, Ceph, R2, GCS and others. */
export class S3Store implements ObjectStore {
  private constructor(
    private readonly client: AwsClient,
    private readonly address: StoreAddress,
    /** Of the bucket, without a slash at its end. */
    private readonly base: string,
  ) {}

  /**
   * Credentials and place come from the variables that other tools read too: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
   * AWS_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL.
   * @param text `s3://bucket/prefix`
   * @throws FaceError INVALID_ARGUMENT, also where a variable is missing; MISSING_DEPENDENCY; EXTERNAL_TOOL where the bucket cannot be used
   */
  static async open(text: string, env: Readonly<Record<string, string | undefined>>): Promise<S3Store> {
    const address = parseStoreAddress(text)
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env
    if (accessKeyId === '' || secretAccessKey === '') {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${address.shown}: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (of a role: eval "$(aws configure export-credentials --format env)")`,
      )
    }
    const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1'
    const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`
    let base: string
    try {
      base = `${new URL(endpoint).href.replace(/\/+$/, '')}/${address.bucket}`
    } catch (cause) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `AWS_ENDPOINT_URL: ${endpoint} is no address; give one like https://host:9000`,
        {},
        { cause },
      )
    }
    const { AwsClient } = await clientPackage()
    const sessionToken = env.AWS_SESSION_TOKEN
    const client = new AwsClient({
      ...{ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 },
      ...(sessionToken !== undefined && { sessionToken }),
    })
    const store = new S3Store(client, address, base)
    await store.#assertUsable()
    return store
  }

  get shown(): string {
    return this.address.shown
  }

  async put(name: string, content: Uint8Array | string | { readonly file: string }): Promise<void> {
    if (typeof content === 'string') return await this.put(name, new TextEncoder().encode(content))
    if (isBuiltIn(content, 'Uint8Array')) {
      const body = new Uint8Array(content)
      await this.#request('PUT', name, () => ({ body, bytes: body.length, sha256: sha256Now([body]) }))
      return
    }
    const { file } = content
    const facts = await fileFacts(file)
    if (facts === null) throw outputFailed(file, { code: 'ENOENT' })
    const { bytes, sha256 } = facts
    if (bytes > LARGEST_OBJECT) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${this.#shownName(name)}: has ${(bytes / 1e9).toFixed(1)} GB, and an object takes 5; choose a smaller --shard-size, or fewer pairs of an entry with --per-track`,
        { bytes },
      )
    }
    const open = () => Readable.toWeb(createReadStream(file)) as ReadableStream
    await this.#request('PUT', name, () => ({ body: open(), bytes, sha256 }))
  }

  async get(name: string): Promise<Uint8Array | null> {
    return await this.#received(name, async (response) => new Uint8Array(await response.arrayBuffer()))
  }

  async download(name: string, file: string): Promise<boolean> {
    await makeOutputFolder(dirname(file))
    const under = join(dirname(file), temporaryName(basename(file)))
    const done = await this.#received(name, async (response) => {
      const out = createWriteStream(under)
      let writing: unknown
      out.on('error', (error) => {
        writing = error
      })
      try {
        await pipeline(Readable.fromWeb(response.body as never), out)
        await rename(under, file)
        return true
      } catch (cause) {
        await rm(under, { force: true }).catch(() => undefined)
        throw writing === undefined ? cause : outputFailed(file, writing)
      }
    })
    return done ?? false
  }

  async remove(name: string): Promise<void> {
    await this.#request('DELETE', name)
  }

  /** Told before hours are spent. */
  async #assertUsable(): Promise<void> {
    const response = await this.#answer('HEAD', this.base)
    if (response.ok) return
    // An answer to HEAD has no body that says why.
    await this.get('corpus.json')
    const { status } = response
    throw this.#failed(`answers with ${status}`, 'check bucket, region and permissions', { status })
  }

  async #received<T>(name: string, take: (response: Response) => Promise<T>): Promise<T | null> {
    for (let attempt = 0; ; attempt++) {
      const response = await this.#request('GET', name)
      if (response === null) return null
      try {
        return await take(response)
      } catch (cause) {
        if (cause instanceof FaceError) throw cause
        const pause = PAUSES[attempt]
        if (pause === undefined) throw this.#failed(`broke off (${messageOf(cause)})`, 'try again', {}, cause)
        await wait(pause)
      }
    }
  }

  /** @returns null where there is no such object */
  async #request(
    method: 'GET' | 'PUT' | 'DELETE',
    name: string,
    content?: () => Sent,
  ): Promise<Response | null> {
    const { prefix } = this.address
    const path = [...prefix.split('/'), ...name.split('/')].filter((part) => part !== '')
    const url = `${this.base}/${path.map(encodeURIComponent).join('/')}`
    const response = await this.#answer(method, url, content)
    if (response.ok) return response
    const text = await response.text().catch(() => '')
    const code = /<Code>([^<]+)<\/Code>/.exec(text)?.[1] ?? String(response.status)
    if (response.status === 404 && code !== 'NoSuchBucket') return null
    const [what, remedy] = explain(code, this.address.bucket)
    throw this.#failed(what, remedy, { status: response.status, code })
  }

  async #answer(method: string, url: string, content?: () => Sent): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const pause = PAUSES[attempt]
      try {
        const sent = content?.()
        const response = await this.client.fetch(url, { method, ...(sent && initOf(sent)) })
        const isOfTheMoment = response.status >= 500 || response.status === 429
        if (!isOfTheMoment || pause === undefined) return response
        await response.body?.cancel()
      } catch (cause) {
        if (pause !== undefined && !isFinal(cause)) await wait(pause)
        else throw this.#failed(...unreachable(cause, new URL(url).origin), {}, cause)
        continue
      }
      await wait(pause)
    }
  }

  #shownName(name: string): string {
    return `${this.shown}/${name}`
  }

  #failed(what: string, remedy: string, details: object, cause?: unknown): FaceError {
    return new FaceError(
      'EXTERNAL_TOOL',
      `${this.shown}: ${what}; ${remedy}`,
      { store: this.shown, ...details },
      { cause },
    )
  }
}

interface Sent {
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream
  readonly bytes: number
  readonly sha256: string
}

/** The store holds what it gets against the hash: a copy that is damaged on its way is refused. */
function initOf({ body, bytes, sha256 }: Sent): RequestInit {
  const headers = { 'Content-Length': String(bytes), 'X-Amz-Content-Sha256': sha256 }
  return { body, headers, ...(isBuiltIn(body, 'Uint8Array') ? {} : ({ duplex: 'half' } as object)) }
}

async function clientPackage(): Promise<typeof import('aws4fetch')> {
  try {
    return await import('aws4fetch')
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n')
    throw new FaceError(
      'MISSING_DEPENDENCY',
      `object storage is reached through aws4fetch, which is not installed or does not load (${reason}); "${INSTALL}" beside deepfaceflow`,
      { packages: ['aws4fetch'], install: INSTALL },
      { cause },
    )
  }
}

function explain(code: string, bucket: string): [what: string, remedy: string] {
  switch (code) {
    case 'NoSuchBucket':
      return [`there is no bucket ${bucket}`, 'make it, or check its name and the region']
    case 'InvalidAccessKeyId':
    case 'SignatureDoesNotMatch':
    case 'InvalidToken':
    case 'ExpiredToken':
      return [`refuses the credentials (${code})`, 'check AWS_ACCESS_KEY_ID and what belongs to it']
    case 'AccessDenied':
    case '403':
      return [
        `does not let these credentials in (${code})`,
        'they need GetObject, PutObject and DeleteObject',
      ]
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
      return [`the bucket is in another region (${code})`, 'set AWS_REGION']
    case 'RequestTimeTooSkewed':
      return ['finds the clock of this machine wrong', 'set it']
    default:
      return [`refuses (${code})`, 'see what the store says of it']
  }
}

function unreachable(cause: unknown, origin: string): [what: string, remedy: string] {
  const code = codeOf(cause)
  switch (code) {
    case 'ECONNREFUSED':
      return [`nothing listens at ${origin}`, 'start the server, or check AWS_ENDPOINT_URL']
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [`the host of ${origin} is not known (${code})`, 'check AWS_ENDPOINT_URL and AWS_REGION']
    default:
      return [
        `${origin} does not answer (${code ?? messageOf((cause as Error).cause ?? cause)})`,
        'check AWS_ENDPOINT_URL and the network',
      ]
  }
}

/** Of a failed fetch, which hides it. */
function codeOf(error: unknown): string | undefined {
  const { cause } = error as { cause?: { code?: string; errors?: { code?: string }[] } }
  return cause?.code ?? cause?.errors?.[0]?.code
}

/** Waiting does not help. */
function isFinal(error: unknown): boolean {
  return ['ECONNREFUSED', 'ENOTFOUND'].includes(codeOf(error) ?? '')
}
