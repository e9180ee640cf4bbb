import { freemem } from 'node:os'
import { InvalidArgumentError } from 'commander'
import type { CliContext } from './context.js'
import type { EngineFlags } from './options.js'
import { createOptions, positiveInteger } from './options.js'

/**
 * Those who do the tasks of a command: this process, or several like it. Tasks are independent of one another, so the bits of their
 * results do not depend on who does them, nor when.
 */
export interface Crew<Task, Answer> {
  /** Tasks that are done at a time. */
  readonly size: number
  /** @throws what the task throws; `WorkerEnded` if the process that did it has ended */
  run(task: Task): Promise<Answer>
  /** Bytes of memory that all processes hold together, this one included. */
  memory(): number
  /** Resolves when all have let go of what they had. */
  close(): Promise<void>
}

/** Does the tasks in this process. */
export class LocalCrew<Task, Answer> implements Crew<Task, Answer> {
  constructor(
    readonly size: number,
    readonly run: (task: Task) => Promise<Answer>,
    readonly close: () => Promise<void>,
  ) {}

  memory(): number {
    return process.memoryUsage.rss()
  }
}

/** `auto`, or a number from 1 on. */
export type JobsFlag = number | 'auto'

export function jobsFlag(text: string): JobsFlag {
  if (text === 'auto') return 'auto'
  try {
    return positiveInteger(text)
  } catch {
    throw new InvalidArgumentError('give a whole number from 1 on, or auto.')
  }
}

export const JOBS_HELP =
  'tasks at a time: on a software adapter that many processes, on a GPU that many pairs or videos on one device (default: auto, a ' +
  'process for every two cores, or 3 on a GPU)'

/** A process with the embedded adapter and everything compiled, bytes: 0.5 GB are usual, 4k videos take more. */
const MEMORY_OF_PROCESS = 0.8e9
/** That one process keeps busy with a software adapter. */
const CORES_OF_PROCESS = 2
/** As many pairs are on the device at a time. */
const ON_DEVICE = 3

/** Who does how many tasks at a time. */
export interface CrewPlan {
  readonly processes: boolean
  readonly size: number
}

/**
 * Software adapters compute on all cores: one process keeps 1.7 of two busy, and a second one only takes its own start (docs/corpus.md). A
 * GPU is kept busy by one device, while this process reads, decodes and writes.
 * @param tasks that there are
 */
export async function planCrew(
  context: CliContext,
  flags: EngineFlags & { readonly jobs: JobsFlag },
  tasks: number,
): Promise<CrewPlan> {
  const { jobs } = flags
  if (jobs === 1 || tasks <= 1) return { processes: false, size: 1 }
  const software = await context.isSoftware(createOptions(flags))
  if (!software) return { processes: false, size: Math.min(tasks, jobs === 'auto' ? ON_DEVICE : jobs) }
  const fit = Math.max(1, Math.floor(freemem() / MEMORY_OF_PROCESS))
  const share = Math.max(1, Math.floor(context.processors / CORES_OF_PROCESS))
  const size = Math.min(tasks, jobs === 'auto' ? Math.min(share, fit) : jobs)
  return { processes: size > 1, size }
}

/**
 * Works through tasks, several at a time, in the order in which they come.
 * @throws the first error of a task, once those under way have ended
 */
export async function eachAtATime<Task>(
  tasks: AsyncIterable<Task> | Iterable<Task>,
  size: number,
  work: (task: Task) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined
  for await (const task of tasks) {
    if (failure !== undefined) break
    const one = work(task)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => underWay.delete(one))
    underWay.add(one)
    if (underWay.size >= size) await Promise.race(underWay)
  }
  await Promise.all(underWay)
  if (failure !== undefined) throw failure.error
}
