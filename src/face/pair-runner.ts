import { isDeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import type { PlanTargets } from '../runtime/plan.js'
import { type CallLine, Pending } from './call-line.js'
import { DeviceFrames } from './device-frames.js'
import type { PairFacts } from './flow-result.js'
import { guided } from './register/guided-frame.js'
import { assertLandmarks, isRegisteredFace, registeredPhoto } from './register/registered-frame.js'
import { type FramePair, inListOrder, type RegisteredBatches } from './registered-batches.js'
import type { PairFrame, PairOutputs, PlacedFrame, RegisteredPair } from './registered-pair.js'
import { Stopwatch } from './stopwatch.js'
import type { FlowOptions, FrameInput, FramePixels, RegisteredFlowResult } from './types.js'

/** A pair whose result `finish` makes what the caller gets. */
export interface ComputedFrom<T> {
  readonly frames: FramePair
  readonly watch: Stopwatch
  readonly warnings: readonly string[]
  finish(result: RegisteredFlowResult): T
}

/** A pair whose flow is computed and from which nothing else is yet. */
export interface Computed<T> {
  readonly outputs: PairOutputs
  derive(): Promise<T>
}

/** Hands registered pairs to the device, and makes results of what it computes. */
export class PairRunner {
  readonly #deviceFrames: DeviceFrames
  readonly #batches: RegisteredBatches
  readonly #line: CallLine
  readonly #facts: Omit<PairFacts, 'warnings'>

  constructor(
    engine: Engine,
    batches: RegisteredBatches,
    line: CallLine,
    facts: Omit<PairFacts, 'warnings'>,
  ) {
    this.#deviceFrames = new DeviceFrames(engine)
    this.#batches = batches
    this.#line = line
    this.#facts = facts
  }

  /**
   * @param whose added to what messages call the frames
   * @throws FaceError INVALID_INPUT for frames that are no registered ones
   */
  async frames(a: FrameInput, b: FrameInput, whose = ''): Promise<FramePair> {
    const pixels = async (own: FramePixels, side: 0 | 1): Promise<PairFrame> =>
      isDeviceData(own)
        ? await this.#deviceFrames.pending(side, own)
        : await registeredPhoto(own, FRAME_NAMES[side] + whose)
    const frame = async (own: FrameInput, side: 0 | 1): Promise<PairFrame> => {
      if (!isRegisteredFace(own)) return await pixels(own, side)
      assertLandmarks(own, FRAME_NAMES[side] + whose)
      return guided(await pixels(own.registered, side), own)
    }
    return await Promise.all([frame(a, 0), frame(b, 1)])
  }

  /** Begins a pair. @param finish makes of the result what the caller gets */
  async one<T>(
    pair: FramePair,
    options: FlowOptions,
    watch: Stopwatch,
    warnings: readonly string[],
    finish: (result: RegisteredFlowResult) => T,
  ): Promise<Pending<T>> {
    return await this.#launch(this.#batches.single, [pair], options, [watch], async ([outputs]) =>
      this.#derive(outputs as PairOutputs, watch, warnings, finish),
    )
  }

  /**
   * Begins one pair or two with the same second frame, for flows that are changed before results are made of them. Two are one
   * submission, in which that frame is looked at once.
   * @returns in the order of the list
   */
  async computed<T>(
    pairs: readonly ComputedFrom<T>[],
    options: FlowOptions,
  ): Promise<Pending<readonly Computed<T>[]>> {
    const shared = pairs.length === 2 ? await this.#batches.twoToOne() : undefined
    const groups = shared ? [pairs] : pairs.map((pair) => [pair])
    const launched: Promise<readonly Computed<T>[]>[] = []
    for (const group of groups) {
      const { result } = await this.#launch(
        shared ?? this.#batches.single,
        group.map(({ frames }) => frames),
        options,
        group.map(({ watch }) => watch),
        async (all) =>
          group.map(({ watch, warnings, finish }, index) => {
            const outputs = all[index] as PairOutputs
            return { outputs, derive: () => this.#derive(outputs, watch, warnings, finish) }
          }),
      )
      launched.push(result)
    }
    return new Pending(Promise.all(launched).then((all) => all.flat()))
  }

  /** Begins a list of pairs, `batch` in a submission. @returns one result a pair, in the order of the list */
  async all(
    pairs: readonly FramePair[],
    batch: number,
    options: FlowOptions,
  ): Promise<Pending<RegisteredFlowResult[]>> {
    const groups = await this.#batches.groups(pairs, batch)
    const launched: Promise<RegisteredFlowResult[]>[] = []
    for (const { indices, plan } of groups) {
      const group = indices.map((index) => pairs[index] as FramePair)
      const watch = new Stopwatch(options.signal)
      const { result } = await this.#launch(plan, group, options, [watch], (outputs) =>
        Promise.all(outputs.map((of) => this.#derive(of, watch, [], (derived) => derived))),
      )
      launched.push(result)
    }
    return new Pending(Promise.all(launched).then((results) => inListOrder(groups, results)))
  }

  /**
   * @param pairs as many as the batch of the plan
   * @param watches all of them measure the run
   */
  async #launch<T>(
    plan: RegisteredPair,
    pairs: readonly FramePair[],
    options: FlowOptions,
    watches: readonly Stopwatch[],
    use: (outputs: readonly PairOutputs[]) => Promise<T>,
  ): Promise<Pending<T>> {
    return await this.#line.launch(async () => {
      const run = () => plan.compute(pairs, options.backward !== false)
      return use(await watches.reduce((timed, watch) => () => watch.time('flow', timed), run)())
    })
  }

  async #derive<T>(
    outputs: PairOutputs,
    watch: Stopwatch,
    warnings: readonly string[],
    finish: (result: RegisteredFlowResult) => T,
  ): Promise<T> {
    const facts = { ...this.#facts, warnings }
    return await watch.time('products', async () => {
      // Pages whose flows stay on the device do without.
      const { deriveResult } = await import('./flow-result.js')
      return finish(deriveResult(outputs, facts, () => watch.times))
    })
  }

  /** Leaves the flow on the device, see `RegisteredPair.run`. */
  async onDevice(a: FrameInput, b: FrameInput, targets: PlanTargets): Promise<Pending<void>> {
    const pixels = async (own: FramePixels, side: 0 | 1): Promise<PlacedFrame> => ({
      place: isDeviceData(own) ? own : (await registeredPhoto(own, FRAME_NAMES[side])).data,
    })
    const place = async (own: FrameInput, side: 0 | 1): Promise<PlacedFrame> => {
      if (!isRegisteredFace(own)) return await pixels(own, side)
      assertLandmarks(own, FRAME_NAMES[side])
      return guided(await pixels(own.registered, side), own)
    }
    const [frameA, frameB] = await Promise.all([place(a, 0), place(b, 1)])
    return await this.#line.launch(() => this.#batches.single.run(frameA, frameB, targets))
  }

  dispose(): void {
    this.#deviceFrames.dispose()
    this.#batches.dispose()
  }
}

/** What messages call frames without a name. */
const FRAME_NAMES = ['frame A', 'frame B'] as const
