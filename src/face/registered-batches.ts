import { EngineError } from '../errors.js'
import type { Rgba } from '../geometry/types.js'
import type { PairFrame, PairsLayout, RegisteredPair } from './registered-pair.js'

const TOO_LARGE: ReadonlySet<string> = new Set(['UNSUPPORTED', 'OUT_OF_MEMORY'])

/** Frames of A and B. */
export type FramePair = readonly [PairFrame, PairFrame]

/** Pairs that run together, by their indices in the list. */
export interface PairGroup {
  readonly indices: readonly number[]
  readonly plan: RegisteredPair
}

/**
 * Plans of registered pairs by the size of their batch: that of one pair, and others as they are asked for; also that of two pairs
 * with the second frame in common.
 */
export class RegisteredBatches {
  readonly #plans = new Map<number, Promise<RegisteredPair>>()
  #twoToOne: Promise<RegisteredPair | undefined> | undefined

  constructor(
    readonly single: RegisteredPair,
    readonly make: (layout: PairsLayout) => Promise<RegisteredPair>,
  ) {}

  /** Of two pairs with the second frame in common; undefined where the device cannot hold it: one by one the bits are the same. */
  async twoToOne(): Promise<RegisteredPair | undefined> {
    this.#twoToOne ??= this.make({ batch: 2, sharedSecond: true }).catch((error: unknown) => {
      if (isTooLarge(error)) return undefined
      this.#twoToOne = undefined
      throw error
    })
    return await this.#twoToOne
  }

  /**
   * Full batches in the order of the list, and one by one what is left over, or has frames that the device still has to compute: the
   * bits are the same.
   */
  async groups(pairs: readonly FramePair[], batch: number): Promise<PairGroup[]> {
    const size = Math.min(batch, pairs.length)
    const inMemory = pairs.flatMap((pair, index) => (pair.every(isInMemory) ? [index] : []))
    const together = size > 1 ? inMemory.length - (inMemory.length % size) : 0
    const groups: PairGroup[] = []
    for (let first = 0; first < together; first += size) {
      groups.push({ indices: inMemory.slice(first, first + size), plan: await this.#of(size) })
    }
    const batched = new Set(inMemory.slice(0, together))
    for (const index of pairs.keys()) {
      if (!batched.has(index)) groups.push({ indices: [index], plan: this.single })
    }
    return groups
  }

  async #of(batch: number): Promise<RegisteredPair> {
    const known = this.#plans.get(batch) ?? this.make({ batch })
    this.#plans.set(batch, known)
    try {
      return await known
    } catch (error) {
      // One that did not fit may fit later.
      this.#plans.delete(batch)
      if (!isTooLarge(error)) throw error
      const message = `a batch of ${batch} pairs is too large for this device, choose a smaller one: ${error.message}`
      throw new EngineError(error.code, message, { ...error.details, batch }, { cause: error })
    }
  }

  dispose(): void {
    this.single.dispose()
    for (const plan of [...this.#plans.values(), ...(this.#twoToOne ? [this.#twoToOne] : [])]) {
      void plan.then(
        (pair) => pair?.dispose(),
        () => undefined,
      )
    }
    this.#plans.clear()
    this.#twoToOne = undefined
  }
}

/** What groups gave, in the order of the list that they were made of. */
export function inListOrder<T>(groups: readonly PairGroup[], found: readonly (readonly T[])[]): T[] {
  const results: T[] = []
  for (const [group, { indices }] of groups.entries()) {
    for (const [at, index] of indices.entries()) results[index] = found[group]?.[at] as T
  }
  return results
}

function isTooLarge(error: unknown): error is EngineError {
  return error instanceof EngineError && TOO_LARGE.has(error.code)
}

function isInMemory(frame: PairFrame): frame is PairFrame & Rgba {
  return 'data' in frame
}
