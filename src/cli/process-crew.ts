import { type ChildProcess, fork } from 'node:child_process'
import {
  DeepFaceFlowError,
  EngineError,
  type ErrorCode,
  FaceError,
  messageOf,
  removePendingFiles,
} from '../index.js'
import type { WorkerDesk } from './context.js'
import type { Crew } from './crew.js'

/*
 * A command in several processes. Each worker is started with the same command line, so that it has the same options, and with a channel to
 * the one that started it: instead of working through its input it does the tasks that come through the channel.
 */

/** Exit code of a worker whose starter is gone. */
const ORPHANED = 1

/** Set for workers. */
const WORKER = 'DEEPFACEFLOW_WORKER'

type ToWorker = { readonly kind: 'task'; readonly task: unknown } | { readonly kind: 'abort' }

type FromWorker =
  | { readonly kind: 'answer'; readonly answer: unknown; readonly memory: number }
  | { readonly kind: 'error'; readonly error: SentError; readonly memory: number }
  | { readonly kind: 'event'; readonly event: unknown }

interface SentError {
  readonly of: 'engine' | 'face' | 'other'
  readonly code?: ErrorCode
  readonly message: string
  readonly details?: Record<string, unknown>
}

/** The process that did a task has ended before it was done. */
export class WorkerEnded extends Error {}

interface Worker {
  readonly child: ChildProcess
  memory: number
  settle: ((answer: FromWorker | WorkerEnded) => void) | null
}

/** Processes that do tasks, one each at a time; they are started when they are needed. */
export class ProcessCrew<Task, Answer> implements Crew<Task, Answer> {
  readonly #workers = new Set<Worker>()
  readonly #waiting: (() => void)[] = []
  readonly #onEvent: (event: unknown) => void
  readonly #signal: AbortSignal

  /**
   * @param signal once aborted, workers are told to give up what they are at
   * @param onEvent told what workers report while they are at a task
   */
  constructor(
    readonly size: number,
    signal: AbortSignal,
    onEvent: (event: unknown) => void,
  ) {
    this.#signal = signal
    this.#onEvent = onEvent
    signal.addEventListener('abort', this.#abort)
  }

  readonly #abort = () => {
    for (const worker of this.#workers) send(worker.child, { kind: 'abort' })
  }

  async run(task: Task): Promise<Answer> {
    const worker = await this.#idleWorker()
    const message = await new Promise<FromWorker | WorkerEnded>((resolve) => {
      worker.settle = resolve
      send(worker.child, { kind: 'task', task })
    })
    worker.settle = null
    this.#waiting.shift()?.()
    if (message instanceof WorkerEnded) throw message
    if (message.kind === 'error') throw receivedError(message.error)
    return (message as { answer: Answer }).answer
  }

  memory(): number {
    let sum = process.memoryUsage.rss()
    for (const { memory } of this.#workers) sum += memory
    return sum
  }

  async close(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort)
    const ends = [...this.#workers].map(
      ({ child }) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) return resolve()
          child.once('exit', () => resolve())
          child.disconnect()
        }),
    )
    await Promise.all(ends)
  }

  async #idleWorker(): Promise<Worker> {
    for (;;) {
      for (const worker of this.#workers)
        if (worker.settle === null && worker.child.connected) return reserved(worker)
      if (this.#workers.size < this.size) return reserved(this.#start())
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  #start(): Worker {
    const [script = '', ...args] = process.argv.slice(1)
    const child = fork(script, args, {
      env: { ...process.env, [WORKER]: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const worker: Worker = { child, memory: 0, settle: null }
    this.#workers.add(worker)
    child.on('message', (message: FromWorker) => {
      if (message.kind === 'event') return this.#onEvent(message.event)
      worker.memory = message.memory
      worker.settle?.(message)
    })
    const ended = (how: string) => {
      if (!this.#workers.delete(worker)) return
      worker.settle?.(new WorkerEnded(`its process ended (${how})`))
      this.#waiting.shift()?.()
    }
    child.on('exit', (code, signal) => ended(signal ?? `exit code ${code}`))
    // It could not be started.
    child.on('error', (error) => ended(error.message))
    return worker
  }
}

/** Whether a task was cut off: the process that did it has ended, or one that it had started was ended by somebody. */
export function isCutOff(error: unknown): error is Error {
  if (error instanceof WorkerEnded) return true
  return error instanceof FaceError && error.code === 'EXTERNAL_TOOL' && error.details.signal !== undefined
}

/**
 * Does a task; once more where it was cut off, which may have had another reason than the task.
 * @throws what `isCutOff` knows where it was cut off twice, or no more is to be begun
 */
export async function runTwice<Task, Answer>(
  crew: Crew<Task, Answer>,
  task: Task,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return await crew.run(task)
  } catch (error) {
    if (!isCutOff(error) || signal.aborted) throw error
    return await crew.run(task)
  }
}

/** Taken from now on, also before its task is sent. */
function reserved(worker: Worker): Worker {
  worker.settle = () => undefined
  return worker
}

function send(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message, () => undefined)
}

/** The desk of this process; null if it is no worker. */
export function workerDesk(): WorkerDesk | null {
  if (process.env[WORKER] !== '1' || process.send === undefined) return null
  const abort = new AbortController()
  const answer = (message: FromWorker) => {
    if (process.connected) process.send?.(message)
  }
  return {
    signal: abort.signal,
    report: (event) => answer({ kind: 'event', event }),
    serve: async (work) => {
      let isBusy = false
      const memory = () => process.memoryUsage.rss()
      const one = async (task: unknown) => {
        isBusy = true
        try {
          answer({ kind: 'answer', answer: await work(task), memory: memory() })
        } catch (error) {
          answer({ kind: 'error', error: sentError(error), memory: memory() })
        }
        isBusy = false
      }
      process.on('message', (message: ToWorker) => {
        if (message.kind === 'abort') abort.abort()
        else void one(message.task)
      })
      await new Promise<void>((resolve) => process.once('disconnect', () => resolve()))
      if (!isBusy) return
      // Whoever wanted the answer was killed.
      removePendingFiles()
      process.exit(ORPHANED)
    },
  }
}

function sentError(error: unknown): SentError {
  const message = messageOf(error)
  if (!(error instanceof DeepFaceFlowError)) return { of: 'other', message }
  return {
    of: error instanceof EngineError ? 'engine' : 'face',
    code: error.code,
    message,
    details: { ...error.details },
  }
}

function receivedError({ of, code, message, details }: SentError): Error {
  if (of === 'other' || code === undefined) return new Error(message)
  return of === 'engine' ? new EngineError(code, message, details) : new FaceError(code, message, details)
}
