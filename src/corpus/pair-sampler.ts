import type { Rgba, Similarity } from '../geometry/types.js'
import { sha256Now } from '../platform/node/hash.js'
import type { CorpusOptions } from './options.js'
import type { FaceFigures } from './rows.js'

/** What is remembered of a face that passed the filters. */
export interface KeptFace {
  readonly frame: number
  readonly time: number | null
  /** 224x224. */
  readonly registered: Rgba
  /** 468x3, template px. */
  readonly mesh: Float32Array
  readonly toTemplate: Similarity
  readonly pose: FaceFigures['pose']
}

/** Two faces of one track whose flow is to be computed. */
export interface ChosenPair {
  readonly a: KeptFace
  readonly b: KeptFace
  readonly gap: number
  /** Mean length of the motion of the mesh's vertices in the picture, template px. */
  readonly motion: number
}

interface Candidate extends ChosenPair {
  readonly rank: number
}

/**
 * Chooses pairs of one track while it is seen, in one pass and in bounded memory. Each possible pair has a rank that follows from seed,
 * entry, track and frames alone; of each gap the pairs of lowest rank are kept. So the choice does not depend on when or where it is
 * made, and a larger `perTrack` keeps what a smaller one had.
 */
export class PairSampler {
  readonly #options: CorpusOptions
  readonly #name: string
  /** Faces that a later one may be paired with, by frame. */
  readonly #recent = new Map<number, KeptFace>()
  /** Of each gap, lowest rank first. */
  readonly #kept: Map<number, Candidate[]>
  readonly #onRejected: (why: string) => void

  /** @param name of entry and track */
  constructor(options: CorpusOptions, name: string, onRejected: (why: string) => void) {
    this.#options = options
    this.#name = name
    this.#onRejected = onRejected
    this.#kept = new Map(options.gaps.map((gap) => [gap, []]))
  }

  /** The next face of the track that passed the filters; frames may be left out, not go back. */
  add(face: KeptFace): void {
    const { gaps, perTrack, minMotion, maxMotion } = this.#options
    const longest = gaps.at(-1) as number
    for (const frame of this.#recent.keys()) if (frame < face.frame - longest) this.#recent.delete(frame)
    for (const gap of gaps) {
      const a = this.#recent.get(face.frame - gap)
      if (a === undefined) continue
      const motion = meshMotion(a.mesh, face.mesh)
      if (motion < minMotion || motion > maxMotion) {
        this.#onRejected('motion')
        continue
      }
      const kept = this.#kept.get(gap) as Candidate[]
      const rank = rankOf(this.#options.seed, this.#name, a.frame, face.frame)
      if (kept.length === perTrack && rank >= (kept.at(-1) as Candidate).rank) continue
      const place = kept.findIndex((other) => other.rank > rank)
      kept.splice(place < 0 ? kept.length : place, 0, { a, b: face, gap, motion, rank })
      if (kept.length > perTrack) kept.pop()
    }
    this.#recent.set(face.frame, face)
  }

  /** The chosen pairs in the order of their frames: as many of each gap as there are, up to an equal part of `perTrack`, and more of the others. */
  choose(): ChosenPair[] {
    const chosen: Candidate[] = []
    const queues = [...this.#kept.values()].map((kept) => [...kept])
    while (chosen.length < this.#options.perTrack && queues.some((queue) => queue.length > 0)) {
      for (const queue of queues) {
        const next = queue.shift()
        if (next !== undefined && chosen.length < this.#options.perTrack) chosen.push(next)
      }
    }
    return chosen.sort((x, y) => x.a.frame - y.a.frame || x.b.frame - y.b.frame)
  }
}

/** Mean length of the vertices' motion in the picture, px. @param a, b Vx3 */
export function meshMotion(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i += 3) {
    sum += Math.hypot((b[i] as number) - (a[i] as number), (b[i + 1] as number) - (a[i + 1] as number))
  }
  return sum / (a.length / 3)
}

/** A number in [0, 1) that is as good as drawn, the same for the same arguments. */
export function rankOf(...parts: readonly (string | number)[]): number {
  return Number.parseInt(sha256Now([JSON.stringify(parts)]).slice(0, 13), 16) / 2 ** 52
}
