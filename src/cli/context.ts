import type { CreateOptions, DepthSource, ExpressiveFaceFlow, WeightsInfo } from '../index.js'

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
}

export interface NetworkFacts {
  readonly weights: WeightsInfo
  readonly depthSource: DepthSource
}

/** Thrown to end a command with an exit code after its own report has been printed. */
export class ExitRequest extends Error {
  constructor(readonly exitCode: number) {
    super(`exit ${exitCode}`)
  }
}
