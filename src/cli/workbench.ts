import type { ExpressiveFaceFlow } from '../index.js'
import type { CliContext, WorkerDesk } from './context.js'
import { type Crew, type CrewPlan, LocalCrew } from './crew.js'
import { createOptions, type EngineFlags } from './options.js'
import { ProcessCrew } from './process-crew.js'
import type { Progress } from './progress.js'

/** What whoever does a task tells meanwhile. */
export interface TaskEvent {
  /** `advance`: a part of the task that the progress counts is done; `pass`: it was done before. */
  readonly kind: 'note' | 'step' | 'advance' | 'pass'
  readonly text: string
}

/** Where one process does the tasks of a command. */
export interface Workbench<Task, Answer> {
  take(task: Task): Promise<Answer>
  /** Lets go of the engine. */
  close(): Promise<void>
}

/** Shows what is told. */
export function shownBy(progress: Progress): (event: TaskEvent) => void {
  return ({ kind, text }) => {
    if (kind === 'note') progress.note(text)
    else if (kind === 'step') progress.step(text)
    else if (kind === 'pass') progress.pass()
    else progress.advance()
  }
}

/**
 * Those who do the tasks of a command as planned.
 * @param signal tells processes to give up what they are at
 * @param benchOf makes the bench where this process does them itself
 */
export function crewAt<Task, Answer>(
  { processes, size }: CrewPlan,
  signal: AbortSignal,
  report: (event: TaskEvent) => void,
  benchOf: () => Workbench<Task, Answer>,
): Crew<Task, Answer> {
  if (processes) return new ProcessCrew(size, signal, (event) => report(event as TaskEvent))
  const bench = benchOf()
  return new LocalCrew(
    size,
    (task) => bench.take(task),
    () => bench.close(),
  )
}

/** A worker: its tasks come from the process that started it. */
export async function serveAt<Task, Answer>(desk: WorkerDesk, bench: Workbench<Task, Answer>): Promise<void> {
  try {
    await desk.serve((task) => bench.take(task as Task))
  } finally {
    await bench.close()
  }
}

/** The engine of a bench: opened for the first task that needs it, once for all of them. */
export class SharedEngine {
  #opened: Promise<ExpressiveFaceFlow> | null = null

  constructor(
    private readonly context: CliContext,
    private readonly flags: EngineFlags,
    private readonly report: (event: TaskEvent) => void,
  ) {}

  get isOpen(): boolean {
    return this.#opened !== null
  }

  open(): Promise<ExpressiveFaceFlow> {
    this.#opened ??= this.context.open({
      ...createOptions(this.flags),
      onProgress: (text) => this.report({ kind: 'step', text }),
    })
    return this.#opened
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    ;(await opened?.catch(() => null))?.dispose()
  }
}
