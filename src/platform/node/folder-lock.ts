import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { dropPending, keepPending, outputFailed } from './atomic.js'
import { isRunning, processStart } from './process-life.js'

/*
 * Locks between processes: a file that only one of them can create. It names its owner, so that the lock of a
 * process that was killed is recognised and taken over. Node has no flock, and the npm packages for locks tell
 * a dead owner by the age of the file alone.
 */

/** The process that holds a lock. */
export interface LockOwner {
  readonly pid: number
  readonly host: string
  /** When the process started, in the system's own unit; null where it does not say. Numbers are used again. */
  readonly started: string | null
  /** ISO 8601. */
  readonly since: string
  readonly token: string
}

/** A lock that this process holds. */
export interface FolderLock {
  readonly file: string
  /**
   * Gives it back; harmless when somebody has taken it meanwhile. One that cannot be removed stays, and is taken over as that of a
   * process that has ended: what its owner fails of is what people must hear about.
   */
  release(): Promise<void>
}

/** A lock file is written at once after it is created; one without an owner for longer was left by a killed process. */
const EMPTY_MS = 10_000

/**
 * Takes the lock `file`, also from an owner that does not run any more.
 * @returns the lock, or the process that holds it
 * @throws FaceError OUTPUT_FAILED if the file cannot be written
 */
export async function takeLock(file: string): Promise<{ lock: FolderLock } | { heldBy: LockOwner }> {
  for (;;) {
    const lock = await create(file)
    if (lock !== null) return { lock }
    const found = await read(file)
    if (found === null) continue
    if (await isHeld(file, found)) return { heldBy: found.owner ?? unknownOwner(found.text) }
    await removeStale(file, found.text)
  }
}

/**
 * Who holds the lock `file` at this moment, without taking it; null if nobody does.
 * @throws FaceError OUTPUT_FAILED if the file cannot be read
 */
export async function lockHolder(file: string): Promise<LockOwner | null> {
  const found = await read(file)
  if (found === null || !(await isHeld(file, found))) return null
  return found.owner ?? unknownOwner(found.text)
}

/** One printable phrase: `process 4711 on bigbox, since 2026-01-31T12:00:00.000Z`. */
export function describeOwner({ pid, host, since }: LockOwner): string {
  return `process ${pid} on ${host}, since ${since}`
}

async function create(file: string): Promise<FolderLock | null> {
  const owner: LockOwner = {
    pid: process.pid,
    host: hostname(),
    started: processStart(process.pid),
    since: new Date().toISOString(),
    token: randomBytes(8).toString('hex'),
  }
  const text = `${JSON.stringify(owner)}\n`
  let handle: FileHandle
  try {
    handle = await open(file, 'wx')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw outputFailed(file, cause)
  }
  // A signal that ends the process must not leave it behind.
  keepPending(file)
  try {
    try {
      await handle.writeFile(text)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    await rm(file, { force: true }).catch(() => undefined)
    dropPending(file)
    throw outputFailed(file, cause)
  }
  held.add(owner.token)
  return {
    file,
    async release() {
      held.delete(owner.token)
      dropPending(file)
      const isOurs = (await read(file).catch(() => null))?.text === text
      if (isOurs) await rm(file, { force: true }).catch(() => undefined)
    },
  }
}

/** Tokens of this process: a lock with its number but another token is of an earlier process of that number. */
const held = new Set<string>()

interface Found {
  readonly text: string
  /** Null while it is being written, or if the file is no lock of ours. */
  readonly owner: LockOwner | null
}

async function read(file: string): Promise<Found | null> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw outputFailed(file, cause)
  }
  try {
    const owner = JSON.parse(text) as LockOwner | null
    const isOwner = typeof owner?.pid === 'number' && typeof owner.host === 'string'
    return { text, owner: isOwner ? owner : null }
  } catch {
    return { text, owner: null }
  }
}

async function isHeld(file: string, { owner, text }: Found): Promise<boolean> {
  if (owner === null) {
    // Not written by this module: not ours to remove.
    if (text !== '') return true
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => Number.POSITIVE_INFINITY,
    )
    return age < EMPTY_MS
  }
  // Another machine's processes cannot be seen from here: its owner, or a person, removes the lock.
  if (owner.host !== hostname()) return true
  if (owner.pid === process.pid) return held.has(owner.token)
  if (!isRunning(owner.pid)) return false
  const started = processStart(owner.pid)
  return started === null || owner.started === null || started === owner.started
}

/** Removes a lock that still has the text of a stale one, so that nobody's fresh lock goes with it. */
async function removeStale(file: string, text: string): Promise<void> {
  const guard = `${file}.taking`
  try {
    await (await open(guard, 'wx')).close()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw outputFailed(guard, cause)
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    // Guarded steps take milliseconds: an old guard is of a process that was killed between them.
    if (age > EMPTY_MS) await rm(guard, { force: true })
    await wait(20)
    return
  }
  try {
    if ((await read(file))?.text === text) await rm(file, { force: true })
  } finally {
    await rm(guard, { force: true })
  }
}

function unknownOwner(text: string): LockOwner {
  return { pid: 0, host: 'unknown', started: null, since: 'unknown', token: text }
}
