import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FaceError } from '../errors.js'
import type { ReadExpression } from '../expression/types.js'
import type { FlowResult, TrackerMemory, VideoStep } from '../face/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { makeOutputFolder, outputFailed, removeIfEmpty, writeFileAtomic } from '../platform/node/atomic.js'
import { describeOwner, type FolderLock, takeLock } from '../platform/node/folder-lock.js'
import { encodeFlowPng } from './flow-png.js'
import { JsonLines, keepDamaged, lineOf, readLog } from './json-lines.js'
import { encodeMeshGlb } from './mesh.js'
import { encodeNpy } from './npy.js'
import { faceTexture } from './texture.js'
import { asHead, bindingChanges, headOf, type VideoBinding, type VideoHead } from './video-binding.js'
import {
  type FrameFacts,
  type FrameRecord,
  hasFlow,
  isRecord,
  stepRecord,
  withoutState,
} from './video-record.js'

/** Names inside the output folder of a video. */
export const VIDEO_FILES = {
  log: 'frames.jsonl',
  table: 'frames.csv',
  expressions: 'expression.csv',
  flows: 'flow',
  reference: 'reference.glb',
  overlays: 'overlay',
  overlayVideo: 'overlay.mp4',
  summary: 'video.json',
} as const

/** What of an earlier run can be gone on with. */
interface Found {
  readonly head: VideoHead
  readonly records: readonly FrameRecord[]
  readonly memories: readonly TrackerMemory[]
  /** Bytes of the log that hold them. */
  readonly end: number
  /** Number of the first damaged line, from 1; null if all whole lines are records. */
  readonly damagedLine: number | null
}

/**
 * Output folder of a video that grows frame by frame and can be gone on with. One run at a time writes to it, and it touches
 * only files that its own log accounts for.
 */
export class VideoFolder {
  #log: JsonLines | undefined
  #records: FrameRecord[] = []
  #saveFlow = true
  #isSummedUp = true

  private constructor(
    readonly folder: string,
    private readonly lock: FolderLock,
    private found: Found | null,
    private readonly made: readonly string[],
  ) {}

  /**
   * Takes hold of the folder, which is made where it is not there, and reads what an earlier run left; `close` lets it go, and takes it
   * away again where nothing was written.
   * @param input absolute path of what the video is read from
   * @param force takes the folder of another input too
   * @throws FaceError OUTPUT_FAILED, also while another run writes there or where files of others are in the way;
   * INVALID_INPUT when the folder belongs to another video
   */
  static async open(folder: string, input: string, force: boolean): Promise<VideoFolder> {
    const made = await makeOutputFolder(folder)
    const lock = await lockOf(folder)
    try {
      const found = await findLog(folder)
      if (found && found.head.input !== input && !force) {
        throw new FaceError(
          'INVALID_INPUT',
          `${folder}: holds the results of ${found.head.input}; choose another folder with -o, or --force to replace them`,
          { file: folder },
        )
      }
      return new VideoFolder(folder, lock, found, made)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Removes what this run wrote, where no frame has a face: a run that is refused leaves nothing of its own. @throws FaceError OUTPUT_FAILED */
  async dropIfEmpty(): Promise<void> {
    if (this.#log === undefined || this.#records.some(({ status }) => status === 'reference')) return
    await remove(join(this.folder, VIDEO_FILES.log))
    await removeIfEmpty([VIDEO_FILES.overlays, VIDEO_FILES.flows].map((name) => join(this.folder, name)))
  }

  async close(): Promise<void> {
    await this.lock.release()
    await removeIfEmpty(this.made)
  }

  /** Records so far, in order, without the tracker's state and what is drawn. */
  get records(): readonly FrameRecord[] {
    return this.#records
  }

  /** What a tracker needs to go on after the earlier run: of the reference, the looks it keeps, the last frames. */
  get memories(): readonly TrackerMemory[] {
    return this.found?.memories ?? []
  }

  /** The log's records with all that they hold, one after another. */
  async *logged(): AsyncGenerator<FrameRecord> {
    let isHead = true
    for await (const { value } of readLog(join(this.folder, VIDEO_FILES.log))) {
      if (!isHead) yield value as FrameRecord
      isHead = false
    }
  }

  /** Records of the earlier run, before `begin` decides whether they still hold. */
  get earlier(): readonly FrameRecord[] {
    return this.found?.records ?? []
  }

  /**
   * Goes on with an earlier run whose results still hold, else starts anew.
   * @param changed frames whose pictures are not those of the earlier run, in words
   * @returns what a person should know, one sentence each
   * @throws FaceError OUTPUT_FAILED
   */
  async begin(binding: VideoBinding, changed: readonly string[], force: boolean): Promise<string[]> {
    this.#saveFlow = binding.provenance.options.flow !== false
    const { found } = this
    const notes: string[] = []
    const file = join(this.folder, VIDEO_FILES.log)
    if (found) {
      const reasons = [...bindingChanges(found.head, binding), ...changed]
      if (force && reasons.length === 0) reasons.push('--force was given')
      if (reasons.length === 0) {
        if (found.damagedLine !== null)
          notes.push(await keepDamaged(file, found.damagedLine, found.records.length))
        this.#log = await JsonLines.resume(file, found.end)
        this.#records = [...found.records]
        if (found.damagedLine !== null) await this.#removeFrom(found.records.length)
      } else {
        const why = force ? '' : `, because ${reasons.join('; ')}`
        notes.push(`${this.folder}: starts anew${why}`)
        await this.#clear(found)
        const head = lineOf(headOf(binding))
        await writeFileAtomic(file, head)
        this.#log = await JsonLines.resume(file, new TextEncoder().encode(head).length)
      }
    }
    this.#log ??= await JsonLines.create(file, headOf(binding))
    await makeOutputFolder(join(this.folder, VIDEO_FILES.overlays))
    if (this.#saveFlow) await makeOutputFolder(join(this.folder, VIDEO_FILES.flows))
    return notes
  }

  /** Writes one computed frame; its line in the log comes last and says that the rest is complete. */
  async writeStep(
    facts: FrameFacts,
    step: VideoStep,
    tracker: TrackerMemory | null,
    expression?: ReadExpression | null,
  ): Promise<FrameRecord> {
    const { frameToFrame, frameToReference } = step
    if (this.#saveFlow) {
      const shape = [TEMPLATE_SIZE, TEMPLATE_SIZE, 3]
      const { previous, reference } = this.#flowFiles(facts.frame)
      await writeFileAtomic(previous, encodeNpy(frameToFrame.flow, shape))
      await writeFileAtomic(reference, encodeNpy(frameToReference.flow, shape))
      if (!this.#records.some(hasFlow)) await this.#writeReference(frameToReference)
    }
    const { flow, mask } = frameToReference
    await writeFileAtomic(this.overlayFile(facts.frame, '_flow.png'), await encodeFlowPng(flow, mask))
    return this.append(stepRecord(facts, step, tracker, !this.#records.some(hasFlow), expression))
  }

  /** The mesh that every flow from the reference starts on: with it and them a viewer has the moving face. */
  async #writeReference(result: FlowResult): Promise<void> {
    const { meshA, triangles } = result
    const { image, uv } = await faceTexture(result)
    await this.write(VIDEO_FILES.reference, await encodeMeshGlb({ vertices: meshA, triangles }, uv, image))
  }

  /** Logs a frame. */
  async append(record: FrameRecord): Promise<FrameRecord> {
    // What an earlier run summed up is no longer all.
    if (this.#isSummedUp) await remove(join(this.folder, VIDEO_FILES.summary))
    this.#isSummedUp = false
    await this.#log?.append(record)
    this.#records.push(withoutState(record))
    return record
  }

  /** Path of a frame's file in the overlay's folder. */
  overlayFile(frame: number, kind: '.jpg' | '_flow.png'): string {
    return join(this.folder, VIDEO_FILES.overlays, `${numbered(frame)}${kind}`)
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFileAtomic(join(this.folder, name), content)
  }

  #flowFiles(frame: number): { readonly previous: string; readonly reference: string } {
    const path = (kind: string) => join(this.folder, VIDEO_FILES.flows, `${numbered(frame)}_${kind}.npy`)
    return { previous: path('previous'), reference: path('reference') }
  }

  /** Removes what an earlier run wrote, and nothing else. */
  async #clear(found: Found): Promise<void> {
    await this.#removeFrom(0, found.records.length)
    const { summary, table, expressions, overlayVideo, reference } = VIDEO_FILES
    for (const name of [summary, table, expressions, overlayVideo, reference])
      await remove(join(this.folder, name))
  }

  /** Files of frames from `first` on; the log may lack the one that was under way. */
  async #removeFrom(first: number, recorded = first): Promise<void> {
    for (let frame = first; frame <= recorded; frame++) {
      const { previous, reference } = this.#flowFiles(frame)
      const overlays = [this.overlayFile(frame, '.jpg'), this.overlayFile(frame, '_flow.png')]
      for (const file of [previous, reference, ...overlays]) await remove(file)
    }
  }
}

/** Name of the file that says who writes to the folder. */
const LOCK = '.deepfaceflow.lock'

async function lockOf(folder: string): Promise<FolderLock> {
  const file = join(folder, LOCK)
  const taken = await takeLock(file)
  if ('lock' in taken) return taken.lock
  throw new FaceError(
    'OUTPUT_FAILED',
    `${folder}: another run (${describeOwner(taken.heldBy)}) is writing there; wait for it, choose another folder with -o, or ` +
      `delete ${file} if that run is gone`,
    { file: folder, lock: file },
  )
}

/** @throws FaceError OUTPUT_FAILED if files of others are in the way */
async function findLog(folder: string): Promise<Found | null> {
  const file = join(folder, VIDEO_FILES.log)
  const info = await lstat(file).catch(() => null)
  if (info === null) {
    for (const name of Object.values(VIDEO_FILES)) {
      if ((await lstat(join(folder, name)).catch(() => null)) !== null) throw foreign(folder, name)
    }
    return null
  }
  if (!info.isFile()) throw foreign(folder, VIDEO_FILES.log)
  return await readRecords(folder, file)
}

async function readRecords(folder: string, file: string): Promise<Found> {
  let head: VideoHead | null = null
  const records: FrameRecord[] = []
  /** By frame: of the reference and looks that the tracker keeps, of the last face, of the last frame. */
  const kept = new Map<number, TrackerMemory>()
  const last = new Map<'face' | 'fresh' | 'frame', readonly [number, TrackerMemory]>()
  let [end, line] = [0, 0]
  let damagedLine: number | null = null
  for await (const { value, end: reached } of readLog(file)) {
    line++
    if (head === null) {
      head = asHead(value)
      if (head === null) throw foreign(folder, VIDEO_FILES.log)
    } else if (isRecord(value, records.length)) {
      const { frame, status, tracker } = value
      if (tracker) {
        if (tracker.face?.look !== undefined || status === 'reference') kept.set(frame, tracker)
        if (tracker.face) last.set('face', [frame, tracker])
        if (tracker.face?.isFresh) last.set('fresh', [frame, tracker])
        last.set('frame', [frame, tracker])
      }
      records.push(withoutState(value))
    } else {
      damagedLine = line
      break
    }
    end = reached
  }
  if (head === null) throw foreign(folder, VIDEO_FILES.log)
  for (const [frame, memory] of last.values()) kept.set(frame, memory)
  const memories = [...kept].sort(([a], [b]) => a - b).map(([, memory]) => memory)
  return { head, records, memories, end, damagedLine }
}

async function remove(file: string): Promise<void> {
  await rm(file, { force: true }).catch((cause: unknown) => {
    throw outputFailed(file, cause)
  })
}

function foreign(folder: string, name: string): FaceError {
  return new FaceError(
    'OUTPUT_FAILED',
    `${folder}: holds ${name}, which this command did not write or can no longer read; choose another folder with -o`,
    { file: join(folder, name) },
  )
}

function numbered(frame: number): string {
  return String(frame).padStart(6, '0')
}
