import type { CreateOptions, DepthSource, ExpressiveFaceFlow, Extent, WeightsInfo } from '../index.js'

/** What commands touch outside themselves; tests give their own. */
export interface CliContext {
  /** Machine output and results. */
  readonly stdout: (text: string) => void
  /** Messages and progress. */
  readonly stderr: (text: string) => void
  /** stderr is a terminal: progress may be drawn. */
  readonly interactive: boolean
  /** Aborted by the first Ctrl-C. Commands that work through a list stop after the item under way. */
  readonly interrupted: AbortSignal
  /**
   * A command that watches `interrupted` says so here; without it Ctrl-C ends the process at once (files
   * are written atomically, so nothing half-written stays either way).
   */
  watchesInterrupts(): void
  open(options: CreateOptions): Promise<ExpressiveFaceFlow>
  /** Which network `open` would run, without opening a device. */
  describeNetwork(options: CreateOptions): Promise<NetworkFacts>
  /** Whether `open` would compute on the processor, without opening a device. */
  isSoftware(options: CreateOptions): Promise<boolean>
  /** Threads that can run at once. */
  readonly processors: number
  /** Where this process is one of several that another one started: through it come its tasks. Else null. */
  readonly desk: WorkerDesk | null
}

/** What a worker serves its tasks with. */
export interface WorkerDesk {
  /** Aborted when the one who started it says so. */
  readonly signal: AbortSignal
  report(event: unknown): void
  /** Does tasks until the channel closes. */
  serve(work: (task: unknown) => Promise<unknown>): Promise<void>
}

export interface NetworkFacts {
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
  readonly extent: Extent
}

/** Thrown to end a command with an exit code after its own report has been printed. */
export class ExitRequest extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`)
  }
}
