import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import {
  FaceError,
  type FrameSource,
  makeTemporaryFolder,
  openFrames,
  type SourceFrame,
  type TemporaryFolder,
  type VideoDamage,
} from '../index.js'

/** A driver whose first frames have been read: the first reading from its start goes on from there. */
export interface Driver extends FrameSource {
  /** Ends a reading that nobody took up, and removes what was kept of a pipe. */
  close(): Promise<void>
}

/** With fewer nothing moves. */
const LEAST_FRAMES = 2

/**
 * @param input as of `openFrames`, or a pipe with a video, which is kept in a file: the command reads its driver several times
 * @param signal ends the reading that is handed on, too
 * @throws FaceError INVALID_INPUT, also for a driver of one frame; EXTERNAL_TOOL, OUTPUT_FAILED
 */
export async function openDriver(input: string, signal: AbortSignal): Promise<Driver> {
  const isPipe = (await stat(input).catch(() => null))?.isFIFO() ?? false
  const folder = isPipe ? makeFolder(input) : null
  const file = folder === null ? input : join(folder.path, basename(input))
  try {
    if (folder !== null) await keepPipe(input, file, signal)
    const source = await openFrames(file, signal)
    const driver = await readAhead({ ...source, path: isPipe ? resolve(input) : source.path }, signal)
    return {
      ...driver,
      async close() {
        await driver.close()
        await folder?.remove()
      },
    }
  } catch (error) {
    await folder?.remove()
    throw folder === null ? error : ofPipe(error, file, input)
  }
}

function makeFolder(pipe: string): TemporaryFolder {
  try {
    return makeTemporaryFolder('deepfaceflow-')
  } catch (cause) {
    throw notKept(pipe, tmpdir(), cause)
  }
}

/** What is wrong with a pipe's video is said of the pipe: nobody knows the file, which is gone. */
function ofPipe(error: unknown, file: string, pipe: string): unknown {
  if (!(error instanceof FaceError) || error.code === 'OUTPUT_FAILED') return error
  return new FaceError(
    error.code,
    error.message.replaceAll(file, pipe),
    { ...error.details, file: pipe },
    { cause: error },
  )
}

async function keepPipe(pipe: string, file: string, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(createReadStream(pipe), createWriteStream(file), { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw notKept(pipe, file, cause)
  }
}

function notKept(pipe: string, file: string, cause: unknown): FaceError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
  return new FaceError(
    'OUTPUT_FAILED',
    `${pipe}: cannot be kept in ${file} while it is worked on (${code}); free space there, set TMPDIR to another folder, or give a file`,
    { file, code },
    { cause },
  )
}

/** Reads as many frames as a driver needs, once. Parameters and errors as of {@link openDriver}. */
export async function readAhead(source: FrameSource, signal: AbortSignal): Promise<Driver> {
  let damage: VideoDamage | null = null
  let tell = (found: VideoDamage): void => {
    damage = found
  }
  const notes: string[] = []
  let tellNote = (note: string): void => {
    notes.push(note)
  }
  const reader = source.frames(
    0,
    signal,
    (found) => tell(found),
    (note) => tellNote(note),
  )
  const first: SourceFrame[] = []
  try {
    while (first.length < LEAST_FRAMES) {
      const next = await reader.next()
      if (next.done) break
      first.push(next.value)
    }
    signal.throwIfAborted()
    if (first.length < LEAST_FRAMES) throw stillDriver(source.path, first.length)
  } catch (error) {
    await reader.return(undefined)
    throw error
  }
  let isTaken = false
  return {
    ...source,
    async *frames(from, stop, onDamage, onNote) {
      if (isTaken || from !== 0) {
        yield* source.frames(from, stop, onDamage, onNote)
        return
      }
      isTaken = true
      if (onNote) {
        notes.forEach(onNote)
        tellNote = onNote
      }
      if (onDamage) {
        if (damage) onDamage(damage)
        tell = onDamage
      }
      try {
        yield* first.splice(0)
        yield* reader
      } finally {
        await reader.return(undefined)
      }
    },
    async close() {
      await reader.return(undefined)
    },
  }
}

function stillDriver(path: string, frames: number): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${path}: has ${frames} frame${frames === 1 ? '' : 's'} that can be read, and nothing moves in it; give a driver of two or more`,
    { frames },
  )
}
