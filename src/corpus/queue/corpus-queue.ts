import { createHash } from 'node:crypto'
import type { Queue } from 'bullmq'
import { FaceError, printed } from '../../errors.js'
import { parseQueueAddress } from './address.js'
import { idOf, KEY_PREFIX, type QueueConnection, reasonOf } from './connection.js'
import { loadQueuePackages } from './packages.js'
import { connectServer, serverFailed } from './server.js'
import { assertSameTerms, parseTerms, type QueueTerms, termsDigest } from './terms.js'
import type {
  FillOptions,
  ProcessEntry,
  QueuedEntry,
  QueueEntry,
  QueueStatus,
  SetAside,
  WorkOptions,
  WorkReport,
} from './types.js'
import { QueueWork } from './work-queue.js'

/** Entries a round trip. */
const CHUNK = 500
const RATE_ENTRIES = 1000
const RATE_MS = 600_000

/**
 * A queue of entries on a Redis or Valkey server: each is handed to a worker, again where that one dies, and set aside
 * where it fails for good. Outputs must be atomic and the same each time, for an entry may be worked on twice.
 */
export class CorpusQueue<E extends QueueEntry> {
  readonly #connection: QueueConnection
  readonly #queue: Queue<QueuedEntry<E>>

  private constructor(connection: QueueConnection) {
    const { name, packages, client } = connection
    this.#connection = connection
    this.#queue = new packages.bullmq.Queue(name, {
      connection: client as never,
      prefix: KEY_PREFIX,
      // Errors are thrown where the command stands; nobody needs their stack on the server.
      defaultJobOptions: { stackTraceLimit: 0, keepLogs: 0 },
    })
    this.#queue.on('error', () => undefined)
  }

  /**
   * Connects to the server.
   * @param address `redis://user:password@host:port/database`; rediss, valkey and valkeys too
   * @param name letters, digits, `_ . -`, up to 80: a server holds any number of queues
   * @throws FaceError INVALID_ARGUMENT; MISSING_DEPENDENCY where BullMQ is not installed; EXTERNAL_TOOL where the server
   *   does not answer or refuses
   */
  static async open<E extends QueueEntry>(address: string, name: string): Promise<CorpusQueue<E>> {
    if (!/^[\w.-]{1,80}$/.test(name)) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `the name of the queue is ${printed(name)}; give up to 80 of letters, digits, _ . and -`,
        { name },
      )
    }
    const parsed = parseQueueAddress(address)
    const packages = await loadQueuePackages()
    const client = await connectServer(packages, parsed)
    return new CorpusQueue<E>({ name, packages, address: parsed, client })
  }

  /**
   * Adds what is not there yet, done entries included: filling again, or from two places at once, doubles nothing.
   * Entries are taken as they come and not held.
   * @param terms the first fill settles them
   * @returns how many entries were read
   * @throws FaceError INVALID_ARGUMENT if the queue was filled for other terms; EXTERNAL_TOOL
   */
  async fill(
    entries: AsyncIterable<E> | Iterable<E>,
    terms: QueueTerms,
    options: FillOptions = {},
  ): Promise<number> {
    const digest = await this.#settleTerms(terms)
    const opts = {
      attempts: options.attempts ?? 4,
      backoff: { type: 'exponential', delay: (options.backoff ?? 10) * 1000, jitter: 0.2 },
    }
    let read = 0
    let chunk: E[] = []
    const send = async (): Promise<void> => {
      const jobs = chunk.map((entry) => ({
        name: 'entry',
        data: { entry, terms: digest },
        opts: { ...opts, jobId: jobId(entry.id) },
      }))
      chunk = []
      await this.#ask(() => this.#queue.addBulk(jobs as never))
      options.onProgress?.(read)
    }
    for await (const entry of entries) {
      if (options.signal?.aborted) break
      chunk.push(entry)
      read++
      if (chunk.length === CHUNK) await send()
    }
    if (chunk.length > 0) await send()
    return read
  }

  /**
   * Takes entries from the queue until none is left, or `signal` aborts.
   * @throws FaceError INVALID_ARGUMENT if the queue was filled for other terms; EXTERNAL_TOOL if the server stays away; the
   *   error of `processEntry` that makes this worker useless (disk full, device lost), after the entry was given back
   */
  async work(processEntry: ProcessEntry<E>, options: WorkOptions): Promise<WorkReport> {
    const inQueue = await this.terms()
    if (options.terms !== null && inQueue !== null) {
      const remedy = 'give --any-terms to work all the same'
      assertSameTerms(inQueue, options.terms, this.#connection.name, remedy)
    }
    return await new QueueWork(this.#connection, () => this.isEmpty(), processEntry, options).run()
  }

  /**
   * Finds out whether it can be filled for these terms, and changes nothing.
   * @throws FaceError INVALID_ARGUMENT if it was filled for others; EXTERNAL_TOOL
   */
  async assertTerms(terms: QueueTerms): Promise<void> {
    // Null: never filled, or emptied this moment.
    const settled = (await this.terms()) ?? terms
    assertSameTerms(
      settled,
      terms,
      this.#connection.name,
      'choose another --name, or empty it with drain --all',
    )
  }

  /** What it was filled for; null: never filled. @throws FaceError EXTERNAL_TOOL */
  async terms(): Promise<QueueTerms | null> {
    const text = await this.#ask(() => this.#connection.client.get(this.#termsKey))
    return text === null ? null : parseTerms(text, this.#connection.name)
  }

  /** @throws FaceError EXTERNAL_TOOL */
  async status(): Promise<QueueStatus> {
    return await this.#ask(async () => {
      const counts = await this.#queue.getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed')
      const { waiting = 0, active = 0, delayed = 0, completed = 0, failed = 0 } = counts
      const perMinute = await this.#rate()
      const workers = await this.#queue.getWorkers()
      const left = waiting + active + delayed
      return {
        waiting,
        active,
        retrying: delayed,
        done: completed,
        setAside: failed,
        workers: workers.some(({ id }) => id === undefined) ? null : workers.length,
        perMinute,
        secondsLeft: left === 0 ? 0 : perMinute > 0 ? (left / perMinute) * 60 : null,
        terms: await this.terms(),
      }
    })
  }

  /** True if no entry waits, is worked on or waits for its next attempt, at one moment. @throws FaceError EXTERNAL_TOOL */
  async isEmpty(): Promise<boolean> {
    const counts = await this.#ask(() => this.#queue.getJobCounts('waiting', 'active', 'delayed'))
    return Object.values(counts).every((count) => count === 0)
  }

  /** Those that failed for good, the newest first. @throws FaceError EXTERNAL_TOOL */
  async setAside(limit: number): Promise<SetAside[]> {
    const jobs = limit === 0 ? [] : await this.#ask(() => this.#queue.getFailed(0, limit - 1))
    return jobs.map((job) => ({
      id: idOf(job),
      reason: reasonOf(job.failedReason),
      attempts: job.attemptsMade,
      since: new Date(job.finishedOn ?? job.timestamp).toISOString(),
    }))
  }

  /**
   * Takes entries out that no worker has at the moment.
   * @param which those that have not begun; those set aside, so that filling again tries them anew; or everything
   * @returns how many
   * @throws FaceError EXTERNAL_TOOL
   */
  async remove(which: 'waiting' | 'set-aside' | 'all'): Promise<number> {
    const states = {
      waiting: ['wait', 'delayed'],
      'set-aside': ['failed'],
      all: ['wait', 'delayed', 'failed', 'completed'],
    } as const
    let removed = 0
    for (const state of states[which]) {
      // A script on the server stops all its clients while it runs: small ones.
      for (;;) {
        const ids = await this.#ask(() => this.#queue.clean(0, 1000, state))
        removed += ids.length
        if (ids.length === 0) break
      }
    }
    if (which === 'all' && (await this.isEmpty())) {
      await this.#ask(() => this.#connection.client.del(this.#termsKey))
    }
    return removed
  }

  async close(): Promise<void> {
    await this.#queue.close().catch(() => undefined)
    this.#connection.client.disconnect()
  }

  get #termsKey(): string {
    return `${KEY_PREFIX}:${this.#connection.name}:terms`
  }

  /** @returns their digest */
  async #settleTerms(terms: QueueTerms): Promise<string> {
    await this.#ask(() => this.#connection.client.set(this.#termsKey, JSON.stringify(terms), 'NX'))
    await this.assertTerms(terms)
    return termsDigest(terms)
  }

  async #rate(): Promise<number> {
    const jobs = await this.#queue.getJobs(['completed'], 0, RATE_ENTRIES - 1)
    const now = Date.now()
    const times = jobs.map((job) => job?.finishedOn ?? 0).filter((time) => now - time < RATE_MS)
    if (times.length === 0) return 0
    // Of a run shorter than the window, its own length counts.
    const began = Math.min(
      ...jobs.map((job) => job?.processedOn ?? now).filter((time) => now - time < RATE_MS),
    )
    return (times.length / Math.max(now - began, 1000)) * 60_000
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command()
    } catch (cause) {
      if (cause instanceof FaceError) throw cause
      throw serverFailed(this.#connection.address, cause)
    }
  }
}

/** Equal for equal entries wherever they are filled from; the server allows no `:` and no bare number. */
function jobId(id: string): string {
  return `e${createHash('sha256').update(id).digest('hex').slice(0, 32)}`
}
