import { lstat, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObservedFrame } from '../animate/types.js'
import { FaceError } from '../errors.js'
import type { TrackerMemory } from '../face/types.js'
import { makeOutputFolder, outputFailed } from '../platform/node/atomic.js'
import { describeOwner, type FolderLock, takeLock } from '../platform/node/folder-lock.js'
import { type AnimationRecord, animationRecord, observedFrame } from './animation-record.js'
import { JsonLines, readJsonLines } from './json-lines.js'
import { asHead, bindingChanges, headOf, type VideoBinding, type VideoHead } from './video-binding.js'
import type { FrameFacts } from './video-record.js'

/** Names inside the folder of an animation. */
export const ANIMATION_FILES = { log: 'animation.jsonl', manifest: 'animation.json' } as const

const LOCK = '.deepfaceflow.lock'

/** What of an earlier run can be gone on with. */
interface Found {
  readonly head: VideoHead
  readonly reference: number | null
  readonly records: readonly AnimationRecord[]
  readonly observed: readonly ObservedFrame[]
  /** Bytes of the log that hold them. */
  readonly end: number
}

/**
 * Folder of an animation: the driver's motion frame by frame in a log, then a picture a frame. A run that was interrupted is gone
 * on with; one run at a time writes, and only files that the log accounts for are touched.
 */
export class AnimationFolder {
  #log: JsonLines | undefined
  #records: AnimationRecord[] = []
  #observed: ObservedFrame[] = []
  #reference: number | null = null
  #isDiscarded = false

  private constructor(
    readonly folder: string,
    private readonly lock: FolderLock,
    private readonly found: Found | null,
  ) {}

  /**
   * Takes hold of the folder and reads what an earlier run left; `close` lets it go.
   * @throws FaceError OUTPUT_FAILED, also while another run writes there or where a file of others is in the way
   */
  static async open(folder: string): Promise<AnimationFolder> {
    await makeOutputFolder(folder)
    const file = join(folder, LOCK)
    const taken = await takeLock(file)
    if (!('lock' in taken)) {
      throw new FaceError(
        'OUTPUT_FAILED',
        `${folder}: another run (${describeOwner(taken.heldBy)}) is writing there; wait for it, choose another place with -o, or ` +
          `delete ${file} if that run is gone`,
        { file: folder, lock: file },
      )
    }
    try {
      return new AnimationFolder(folder, taken.lock, await readLog(folder))
    } catch (error) {
      await taken.lock.release()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.lock.release()
    // Files of others keep it.
    if (this.#isDiscarded) await rmdir(this.folder).catch(() => undefined)
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
    return this.found?.records ?? []
  }

  /**
   * Goes on with an earlier run whose results still hold, else starts anew.
   * @param changed pictures that are not those of the earlier run, in words
   * @returns what a person should know, one sentence each
   * @throws FaceError INVALID_INPUT where the folder holds another animation and `force` is not given; OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, changed: readonly string[], force: boolean): Promise<string[]> {
    const { found } = this
    const file = join(this.folder, ANIMATION_FILES.log)
    if (found === null) {
      this.#log = await JsonLines.create(file, headOf(binding))
      return []
    }
    const reasons = [...bindingChanges(found.head, binding), ...changed]
    if (reasons.length > 0 && !force) {
      throw new FaceError(
        'INVALID_INPUT',
        `${this.folder}: holds another animation (${reasons.join('; ')}); choose another place with -o, or --force to replace it`,
        { file: this.folder },
      )
    }
    if (reasons.length === 0 && !force) {
      this.#log = await JsonLines.resume(file, found.end)
      this.#records = [...found.records]
      this.#observed = [...found.observed]
      this.#reference = found.reference
      return []
    }
    for (let frame = 0; frame < found.records.length; frame++) await remove(this.picture(frame))
    for (const name of Object.values(ANIMATION_FILES)) await remove(join(this.folder, name))
    this.#log = await JsonLines.create(file, headOf(binding))
    return [`${this.folder}: starts anew, because ${[...reasons, '--force was given'][0]}`]
  }

  async setReference(frame: number): Promise<void> {
    this.#reference = frame
    await this.#log?.append({ reference: frame })
  }

  async append(facts: FrameFacts, observed: ObservedFrame, tracker: TrackerMemory | null): Promise<void> {
    const record = animationRecord(facts, observed, tracker)
    await this.#log?.append(record)
    this.#records.push(record)
    this.#observed.push(observed)
  }

  /** Path of a frame's picture. */
  picture(frame: number): string {
    return join(this.folder, `${String(frame).padStart(6, '0')}.png`)
  }

  async hasPicture(frame: number): Promise<boolean> {
    return (await lstat(this.picture(frame)).catch(() => null))?.isFile() ?? false
  }

  /** Removes all that the log accounts for, and with `close` the folder, if nothing else is in it. */
  async discard(): Promise<void> {
    this.#isDiscarded = true
    for (let frame = 0; frame < this.#records.length; frame++) await remove(this.picture(frame))
    for (const name of Object.values(ANIMATION_FILES)) await remove(join(this.folder, name))
  }
}

async function readLog(folder: string): Promise<Found | null> {
  const file = join(folder, ANIMATION_FILES.log)
  const info = await lstat(file).catch(() => null)
  if (info === null) {
    for (const name of [ANIMATION_FILES.manifest, '000000.png']) {
      if ((await lstat(join(folder, name)).catch(() => null)) !== null) throw foreign(folder, name)
    }
    return null
  }
  if (!info.isFile()) throw foreign(folder, ANIMATION_FILES.log)
  let head: VideoHead | null = null
  let reference: number | null = null
  const records: AnimationRecord[] = []
  const observed: ObservedFrame[] = []
  let reached = 0
  for await (const { value, end } of readJsonLines(file)) {
    if (head === null) {
      head = asHead(value)
      if (head === null) break
    } else if (reference === null) {
      const { reference: frame } = (value ?? {}) as { reference?: unknown }
      if (!Number.isInteger(frame)) break
      reference = frame as number
    } else {
      const frame = observedFrame(value, records.length)
      // What follows a damaged line is computed again.
      if (frame === null) break
      records.push(value as AnimationRecord)
      observed.push(frame)
    }
    reached = end
  }
  if (head === null) throw foreign(folder, ANIMATION_FILES.log)
  return { head, reference, records, observed, end: reached }
}

async function remove(file: string): Promise<void> {
  await rm(file, { force: true }).catch((cause: unknown) => {
    throw outputFailed(file, cause)
  })
}

function foreign(folder: string, name: string): FaceError {
  return new FaceError(
    'OUTPUT_FAILED',
    `${folder}: holds ${name}, which this command did not write or can no longer read; choose another place with -o`,
    { file: join(folder, name) },
  )
}
