import { lstat, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObservedFrame } from '../animate/types.js'
import { FaceError } from '../errors.js'
import type { TrackerMemory } from '../face/types.js'
import { makeOutputFolder, outputFailed, removeIfEmpty } from '../platform/node/atomic.js'
import { type AnimationRecord, animationRecord, observedFrame } from './animation-record.js'
import { BoundLog, removeFile } from './bound-log.js'
import type { VideoBinding } from './video-binding.js'
import type { FrameFacts } from './video-record.js'

/** Names inside the folder of an animation. */
export const ANIMATION_FILES = { log: 'animation.jsonl', manifest: 'animation.json' } as const

const LOCK = '.deepfaceflow.lock'

/** What of an earlier run can be gone on with. */
interface Found {
  reference: number | null
  readonly records: AnimationRecord[]
  readonly observed: ObservedFrame[]
}

/**
 * Folder of an animation: the driver's motion frame by frame in a log, then a picture a frame. A run that was interrupted is gone
 * on with; one run at a time writes, and only the log, what is made of it and pictures of frames by their names are touched.
 */
export class AnimationFolder {
  #records: AnimationRecord[] = []
  #observed: ObservedFrame[] = []
  #reference: number | null = null
  #hasBegun = false
  #isDiscarded = false
  /** What an earlier run drew may be there: by fewer frames than there will be, and motion is smoothed over those around. */
  #isDrawn = true

  private constructor(
    readonly folder: string,
    private readonly log: BoundLog,
    private readonly found: Found,
    private readonly made: readonly string[],
  ) {}

  /**
   * Takes hold of the folder, which is made where it is not there, and reads what an earlier run left; `close` lets it go, and takes it
   * away again where nothing was written.
   * @throws FaceError OUTPUT_FAILED, also while another run writes there or where a file of others is in the way
   */
  static async open(folder: string): Promise<AnimationFolder> {
    const made = await makeOutputFolder(folder)
    const found: Found = { reference: null, records: [], observed: [] }
    const files = {
      output: folder,
      log: join(folder, ANIMATION_FILES.log),
      lock: join(folder, LOCK),
      later: [ANIMATION_FILES.manifest, ...(await picturesIn(folder))].map((name) => join(folder, name)),
    }
    const log = await BoundLog.open(files, (value) => take(value, found))
    return new AnimationFolder(folder, log, found, made)
  }

  async close(): Promise<void> {
    await this.log.close()
    // Files of others keep it.
    if (this.#isDiscarded) await rmdir(this.folder).catch(() => undefined)
    await removeIfEmpty(this.made)
  }

  get observed(): readonly ObservedFrame[] {
    return this.#observed
  }

  get records(): readonly AnimationRecord[] {
    return this.#records
  }

  /** The driver's reference frame; null until it is chosen. */
  get reference(): number | null {
    return this.#reference
  }

  /** Of the tracker, of all frames so far. */
  get memories(): readonly (TrackerMemory | null)[] {
    return this.#records.map(({ tracker }) => tracker ?? null)
  }

  /** Records of the earlier run, before `begin` decides whether they still hold. */
  get earlier(): readonly FrameFacts[] {
    return this.found.records
  }

  /**
   * Goes on with an earlier run whose results still hold, else starts anew.
   * @param changed pictures that are not those of the earlier run, in words
   * @returns what a person should know, one sentence each
   * @throws FaceError INVALID_INPUT where the folder holds another animation and `force` is not given; OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, changed: readonly string[], force: boolean): Promise<string[]> {
    const { found } = this
    const reasons = [...this.log.changes(binding), ...changed]
    if (reasons.length > 0 && !force) {
      throw new FaceError(
        'INVALID_INPUT',
        `${this.folder}: holds another animation (${reasons.join('; ')}); choose another place with -o, or --force to replace it`,
        { file: this.folder },
      )
    }
    this.#hasBegun = true
    if (!this.log.isFound || (reasons.length === 0 && !force)) {
      const note = await this.log.begin(binding, found.records.length)
      this.#records = [...found.records]
      this.#observed = [...found.observed]
      this.#reference = found.reference
      return note === null ? [] : [note]
    }
    await this.#remove()
    await this.log.beginAnew(binding)
    return [`${this.folder}: starts anew, because ${[...reasons, '--force was given'][0]}`]
  }

  async setReference(frame: number): Promise<void> {
    this.#reference = frame
    await this.log.append({ reference: frame })
  }

  /** Adds a frame; what was drawn without it, or by a line that the log lost, is removed. @throws FaceError OUTPUT_FAILED */
  async append(facts: FrameFacts, observed: ObservedFrame, tracker: TrackerMemory | null): Promise<void> {
    if (this.#isDrawn) await this.#removeDrawn()
    this.#isDrawn = false
    const record = animationRecord(facts, observed, tracker)
    await this.log.append(record)
    this.#records.push(record)
    this.#observed.push(observed)
  }

  /** Path of a frame's picture. */
  picture(frame: number): string {
    return join(this.folder, pictureName(frame))
  }

  async hasPicture(frame: number): Promise<boolean> {
    return (await lstat(this.picture(frame)).catch(() => null))?.isFile() ?? false
  }

  /** Removes the log where it has no frame: a run that is refused leaves nothing of its own. @throws FaceError OUTPUT_FAILED */
  async dropIfEmpty(): Promise<void> {
    if (this.#hasBegun && this.#records.length === 0) await this.#remove()
  }

  /** Removes log and pictures, and with `close` the folder, if nothing else is in it. */
  async discard(): Promise<void> {
    this.#isDiscarded = true
    await this.#remove()
  }

  async #remove(): Promise<void> {
    await this.#removeDrawn()
    // Last: without it the others would be another's.
    await removeFile(join(this.folder, ANIMATION_FILES.log))
  }

  async #removeDrawn(): Promise<void> {
    for (const name of await picturesIn(this.folder)) await removeFile(join(this.folder, name))
    await removeFile(join(this.folder, ANIMATION_FILES.manifest))
  }
}

/** Adds a value of the log to what is found; false for one that does not belong there. */
function take(value: unknown, found: Found): boolean {
  if (found.reference === null) {
    const { reference: frame } = (value ?? {}) as { reference?: unknown }
    if (!Number.isInteger(frame) || (frame as number) < 0) return false
    found.reference = frame as number
    return true
  }
  const frame = observedFrame(value, found.records.length)
  if (frame === null) return false
  found.records.push(value as AnimationRecord)
  found.observed.push(frame)
  return true
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw outputFailed(folder, cause)
  })
  return names.filter((name) => /^\d{6,}\.png$/.test(name)).sort()
}

function pictureName(frame: number): string {
  return `${String(frame).padStart(6, '0')}.png`
}
