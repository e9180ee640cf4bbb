import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Job, Worker } from 'bullmq'
import { FaceError, printed } from '../../errors.js'
import { messageOf } from '../../realms.js'
import { idOf, KEY_PREFIX, type QueueConnection, reasonOf } from './connection.js'
import { serverFailed, WORKER_CONNECTION } from './server.js'
import { termsDigest } from './terms.js'
import type { ProcessEntry, QueuedEntry, QueueEntry, WorkEvent, WorkOptions, WorkReport } from './types.js'
import { verdictOf } from './verdict.js'

/** Between two looks whether anything is left, ms. */
const POLL_MS = 1000
/** Workers that died over an entry before it is set aside. */
const MAX_LOST = 4

/** One worker at work, from its start to its end. */
export class QueueWork<E extends QueueEntry> {
  readonly #report = { done: 0, failed: 0, setAside: 0, givenBack: 0, lost: 0 }
  /** Entries under way, by the queue's id. */
  readonly #running = new Map<string, AbortController>()
  /** Ends the wait for entries. */
  readonly #stop = new AbortController()
  #fatal: { readonly error: unknown } | null = null
  #goneSince: number | null = null
  readonly #lease: number

  constructor(
    private readonly queue: QueueConnection,
    private readonly isEmpty: () => Promise<boolean>,
    private readonly processEntry: ProcessEntry<E>,
    private readonly options: WorkOptions,
  ) {
    this.#lease = Math.round((options.lease ?? 60) * 1000)
  }

  async run(): Promise<WorkReport> {
    const { signal } = this.options
    const onAbort = () => this.#stop.abort()
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    this.queue.client.on('close', this.#onGone)
    this.queue.client.on('ready', this.#onBack)
    const worker = this.#start()
    try {
      await this.#untilOver()
      await this.#end(worker)
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.queue.client.off('close', this.#onGone)
      this.queue.client.off('ready', this.#onBack)
    }
    if (this.#fatal !== null) throw this.#fatal.error
    return this.#report
  }

  #start(): Worker<QueuedEntry<E>> {
    const { bullmq } = this.queue.packages
    const worker: Worker<QueuedEntry<E>> = new bullmq.Worker<QueuedEntry<E>>(
      this.queue.name,
      (job, token) => this.#work(job, token ?? ''),
      {
        connection: { url: this.queue.address.url, ...WORKER_CONNECTION },
        prefix: KEY_PREFIX,
        name: `${hostname()}-${process.pid}`,
        concurrency: this.options.concurrency ?? 1,
        lockDuration: this.#lease,
        // An entry without a lease is marked by one look and taken by the next.
        stalledInterval: Math.max(this.#lease / 2, 500),
        maxStalledCount: MAX_LOST,
        runRetryDelay: 1000,
        drainDelay: 1,
      },
    )
    worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#running.get(id)?.abort('lost')
    })
    worker.on('completed', (job) => {
      this.#report.done++
      const seconds = ((job.finishedOn ?? 0) - (job.processedOn ?? 0)) / 1000
      this.#tell({ kind: 'done', id: idOf(job), seconds })
    })
    worker.on('failed', (job, error) => this.#onFailed(job, error))
    // Lost connections and leases: each is told where it is seen.
    worker.on('error', () => undefined)
    return worker
  }

  async #work(job: Job<QueuedEntry<E>>, token: string): Promise<void> {
    const id = idOf(job)
    const control = new AbortController()
    const key = job.id ?? ''
    this.#running.set(key, control)
    try {
      if (this.#fatal !== null) throw giveBack
      if (id === '') throw this.#noEntry()
      this.#assertTerms(job.data.terms)
      await this.processEntry(job.data.entry, control.signal)
    } catch (error) {
      if (control.signal.reason === 'lost') {
        this.#report.lost++
        this.#tell({ kind: 'lost', id })
        throw this.#leave()
      }
      const judged = error === giveBack ? 'worker' : verdictOf(error)
      // Whoever ends a worker may end its helpers too: what then fails unforeseen is not the entry's fault.
      const isCutOff = this.#stop.signal.aborted && judged === 'attempt'
      const isBack = control.signal.aborted || error === giveBack || isCutOff
      const verdict = isBack ? 'worker' : judged
      if (!isBack && (verdict === 'worker' || verdict === 'both')) this.#fail(error)
      if (verdict === 'worker') {
        // Without the server the lease runs out, which comes to the same.
        if (this.#goneSince === null) await job.moveToWait(token)
        this.#report.givenBack++
        this.#tell({ kind: 'given-back', id })
        throw this.#leave()
      }
      const reason = reasonText(error)
      if (verdict === 'entry') throw new this.queue.packages.bullmq.UnrecoverableError(reason)
      throw new Error(reason)
    } finally {
      this.#running.delete(key)
    }
  }

  /** An entry of terms that the queue got after this worker began. */
  #assertTerms(digest: string): void {
    const { terms } = this.options
    if (terms === null || digest === termsDigest(terms)) return
    throw this.#fail(
      new FaceError(
        'INVALID_ARGUMENT',
        `the queue ${printed(this.queue.name)} was filled anew for other results; start the worker again to see what differs`,
        { queue: this.queue.name },
      ),
    )
  }

  /** Whoever may write to the server can put anything there. */
  #noEntry(): FaceError {
    const what = 'holds something that is no entry; another program uses its name'
    return new FaceError('INVALID_INPUT', `the queue ${printed(this.queue.name)}: ${what}`, {
      queue: this.queue.name,
    })
  }

  /** This worker is of no use any more. */
  #fail(error: unknown): typeof giveBack {
    this.#fatal ??= { error }
    this.#stop.abort()
    return giveBack
  }

  /** Tells BullMQ that the entry's place has been settled. */
  #leave(): Error {
    return new this.queue.packages.bullmq.WaitingError()
  }

  #onFailed(job: Job<QueuedEntry<E>> | undefined, error: Error): void {
    if (job === undefined) return
    this.#report.failed++
    const id = idOf(job)
    // Set only when it does not come again.
    if (job.finishedOn === undefined) {
      this.#tell({ kind: 'failed', id, reason: error.message })
      return
    }
    this.#report.setAside++
    this.#tell({ kind: 'set-aside', id, reason: reasonOf(job.failedReason) })
  }

  async #untilOver(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await wait(POLL_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#goneSince !== null) {
        const patience = (this.options.patience ?? 600) * 1000
        if (Date.now() - this.#goneSince > patience) {
          this.#fail(serverFailed(this.queue.address, { message: `is away for ${patience / 1000} s` }))
        }
        continue
      }
      if (this.#running.size > 0 || this.options.waits) continue
      // The server may go away at this very moment; then the next look is the one that counts.
      if (await this.isEmpty().catch(() => false)) return
    }
  }

  /** Finishes what is under way, or gives it back when the time for that is over. */
  async #end(worker: Worker<QueuedEntry<E>>): Promise<void> {
    const over = setTimeout(
      () => {
        for (const control of this.#running.values()) control.abort('give back')
      },
      (this.options.grace ?? 20) * 1000,
    )
    let isClosed = false
    const closed = worker
      .close()
      .catch(() => undefined)
      .then(() => {
        isClosed = true
      })
    // A server that is away would be waited for: without work under way there is nothing to tell it.
    while (!isClosed && (this.#running.size > 0 || this.#goneSince === null)) {
      await Promise.race([closed, wait(100)])
    }
    clearTimeout(over)
    if (!isClosed) await worker.disconnect()
  }

  readonly #onGone = (): void => {
    if (this.#goneSince !== null) return
    this.#goneSince = Date.now()
    this.#tell({ kind: 'server', text: `${this.queue.address.shown} is away; waiting for it` })
  }

  readonly #onBack = (): void => {
    this.#goneSince = null
    this.#tell({ kind: 'server', text: `${this.queue.address.shown} is there again` })
  }

  #tell(event: WorkEvent): void {
    this.options.onEvent?.(event)
  }
}

/** Thrown where an entry is given back without a fault of its own. */
const giveBack = Symbol('give back')

/** `NO_FACE: clip.mp4: no face in 75 frames` */
function reasonText(error: unknown): string {
  const { code } = error as { code?: unknown }
  const message = messageOf(error)
  return typeof code === 'string' ? `${code}: ${message}` : message
}
