import { createHash } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { FaceError } from '../errors.js'
import { makeOutputFolder, outputFailed, removeIfEmpty } from '../platform/node/atomic.js'
import { makeFolderUnderWay } from '../platform/node/temporary-folder.js'
import { BUCKETS, bucketName, bucketOf, type CorpusEntry, entryPaths, idKey, isEntry } from './entry.js'
import { replaceFolder } from './entry-writer.js'

/*
 * Which entries a corpus has, on disk: a file for each bucket of ids, sorted. A manifest of a million rows is read once, as a stream,
 * and refused as a whole before anything is computed; whoever works on the corpus afterwards, in whatever number of processes, holds
 * one bucket in memory, and all go through the entries in the same order.
 */

const PLAN = 'plan'
const FACTS = 'plan.json'
/** Text that waits in memory to be appended to the buckets' files, characters. */
const MOST_HELD = 4_000_000

const LOOKS = 5
const LOOK_MS = 20

interface PlanFacts {
  readonly format: 1
  /** SHA-256 over all entries in their order. */
  readonly digest: string
  readonly count: number
  /** Entries of each bucket. */
  readonly counts: readonly number[]
  readonly root: string
}

/** The entries of a corpus. */
export interface CorpusPlan {
  /** SHA-256 over ids, kinds, names and groups in order, hex: equal for the same entries in whatever order they were given. */
  readonly digest: string
  readonly count: number
  /**
   * All entries by bucket and id, or those of some buckets; one bucket in memory at a time.
   * @throws FaceError OUTPUT_FAILED if the plan cannot be read
   */
  entries(buckets?: Iterable<number>): AsyncGenerator<CorpusEntry>
}

/**
 * Writes down which entries a corpus has; a plan that says the same stays as it is, another one is replaced. Several processes may do
 * this at once.
 * @param set the corpus's folder
 * @throws FaceError INVALID_INPUT for ids that are given twice; INVALID_ARGUMENT for a corpus's folder that is a folder of frames too;
 *   OUTPUT_FAILED; what `entries` throws
 */
export async function planCorpus(set: string, entries: AsyncIterable<CorpusEntry>): Promise<CorpusPlan> {
  const made = await makeOutputFolder(set)
  const folder = await makeFolderUnderWay(join(set, PLAN))
  try {
    const { path } = folder
    const root = await spread(path, elsewhere(set, entries))
    const facts = await sortBuckets(path, root)
    await writeFile(join(path, FACTS), `${JSON.stringify(facts)}\n`)
    await publish(set, path, facts)
  } catch (cause) {
    if (cause instanceof FaceError || (cause as NodeJS.ErrnoException).code === undefined) throw cause
    throw outputFailed(join(set, PLAN), cause)
  } finally {
    await folder.remove().catch(() => undefined)
    // A manifest that is refused leaves no folder.
    await removeIfEmpty(made)
  }
  return await openPlan(set)
}

/**
 * The plan that a corpus's folder holds.
 * @throws FaceError INVALID_INPUT if there is none
 */
export async function openPlan(set: string): Promise<CorpusPlan> {
  const facts = await settled(() => readFacts(set))
  if (facts === null) {
    throw new FaceError(
      'INVALID_INPUT',
      `${set}: holds no corpus (there is no ${PLAN}/${FACTS}); run "deepfaceflow corpus" first`,
      {
        file: set,
      },
    )
  }
  const { digest, count, root } = facts
  return {
    digest,
    count,
    async *entries(buckets = Array(BUCKETS).keys()) {
      for (const bucket of buckets) {
        const planned = facts.counts[bucket] ?? 0
        if (planned === 0) continue
        const entries = await settled(async () => {
          const found = await readBucket(join(set, PLAN), bucket, root)
          return found.length === planned ? found : null
        })
        if (entries === null) throw otherPlan(set)
        yield* entries
      }
    },
  }
}

/** @throws FaceError INVALID_ARGUMENT for a folder of frames that is the corpus's own: its report would be a frame */
async function* elsewhere(set: string, entries: AsyncIterable<CorpusEntry>): AsyncGenerator<CorpusEntry> {
  const own = resolve(set)
  for await (const entry of entries) {
    if (entry.kind === 'frames' && entryPaths(entry)[0] === own) {
      throw new FaceError(
        'INVALID_ARGUMENT',
        `${set}: is a folder of frames of the input, and the report's picture would be one more; choose another folder with -o`,
        { file: set },
      )
    }
    yield entry
  }
}

/** Appends each entry to its bucket's file. @returns the root that all share */
async function spread(folder: string, entries: AsyncIterable<CorpusEntry>): Promise<string> {
  const held = Array.from({ length: BUCKETS }, () => '')
  let size = 0
  let root = ''
  const flush = async () => {
    for (const [bucket, text] of held.entries()) {
      if (text !== '') await appendFile(join(folder, bucketName(bucket)), text)
      held[bucket] = ''
    }
    size = 0
  }
  for await (const { root: own, ...row } of entries) {
    root = own
    const line = `${JSON.stringify(row)}\n`
    held[bucketOf(row.id)] += line
    size += line.length
    if (size >= MOST_HELD) await flush()
  }
  await flush()
  return root
}

async function sortBuckets(folder: string, root: string): Promise<PlanFacts> {
  const hash = createHash('sha256')
  const counts: number[] = []
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const entries = await readBucket(folder, bucket, root)
    counts.push(entries.length)
    if (entries.length === 0) continue
    assertNoDuplicates(entries)
    entries.sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const { id, kind, names, group } of entries)
      hash.update(`${JSON.stringify([id, kind, names, group])}\n`)
    const text = entries.map(({ root: _, ...row }) => `${JSON.stringify(row)}\n`).join('')
    await writeFile(join(folder, bucketName(bucket)), text)
  }
  const count = counts.reduce((sum, n) => sum + n, 0)
  return { format: 1, digest: hash.digest('hex'), count, counts, root }
}

function assertNoDuplicates(entries: readonly CorpusEntry[]): void {
  const seen = new Map<string, CorpusEntry>()
  for (const entry of entries) {
    const earlier = seen.get(idKey(entry.id))
    if (earlier === undefined) {
      seen.set(idKey(entry.id), entry)
      continue
    }
    const [first, second] = (earlier.line ?? 0) <= (entry.line ?? 0) ? [earlier, entry] : [entry, earlier]
    const isSame = first.kind === second.kind && String(first.names) === String(second.names)
    const what = isSame
      ? `${second.names.join(' and ')} is given twice`
      : `the id "${second.id}" is given twice`
    const where = first.line === null ? '' : ` (lines ${first.line} and ${second.line})`
    throw new FaceError(
      'INVALID_INPUT',
      `${what}${where}; remove one${isSame ? ', or give both an id' : ''}`,
      {
        id: second.id,
        lines: [first.line, second.line],
      },
    )
  }
}

/** @throws FaceError INVALID_INPUT where it is damaged; OUTPUT_FAILED */
async function readBucket(folder: string, bucket: number, root: string): Promise<CorpusEntry[]> {
  const file = join(folder, bucketName(bucket))
  const text = (await readBucketFile(folder, bucket))?.toString('utf8') ?? ''
  const entries: CorpusEntry[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue
    const entry = parse(line)
    if (!isEntry(entry)) {
      throw new FaceError(
        'INVALID_INPUT',
        `${file}, line ${i + 1}: is damaged; run "deepfaceflow corpus" with the input again, which plans anew`,
        { file, line: i + 1 },
      )
    }
    entries.push({ ...entry, root })
  }
  return entries
}

/** Undefined for what is no JSON. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Null where there is none. @throws FaceError OUTPUT_FAILED */
async function readBucketFile(folder: string, bucket: number): Promise<Buffer | null> {
  const file = join(folder, bucketName(bucket))
  return await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return null
    throw outputFailed(file, cause)
  })
}

/** Puts a plan in the place of the one before, unless that says the same and is whole. */
async function publish(set: string, folder: string, facts: PlanFacts): Promise<void> {
  const there = await readFacts(set)
  const isSame = there?.digest === facts.digest && there.root === facts.root
  if (isSame && (await hasBuckets(set, folder, facts))) return
  await replaceFolder(folder, join(set, PLAN))
}

/** Whether the plan of a corpus's folder has the very lines of another one. */
async function hasBuckets(set: string, folder: string, { counts }: PlanFacts): Promise<boolean> {
  for (const [bucket, count] of counts.entries()) {
    if (count === 0) continue
    const [own, other] = [await readBucketFile(folder, bucket), await readBucketFile(join(set, PLAN), bucket)]
    if (own === null || other === null || !own.equals(other)) return false
  }
  return true
}

/** Looks again where nothing is found: a process that plans the same at this moment takes the folder away for two renames. */
async function settled<T>(look: () => Promise<T | null>): Promise<T | null> {
  for (let left = LOOKS; ; left--) {
    const found = await look()
    if (found !== null || left === 1) return found
    await wait(LOOK_MS)
  }
}

function otherPlan(set: string): FaceError {
  return new FaceError(
    'INVALID_INPUT',
    `${join(set, PLAN)}: is not what it was; another process planned other entries, or it is damaged: run "deepfaceflow corpus" with the input again`,
    { file: set },
  )
}

async function readFacts(set: string): Promise<PlanFacts | null> {
  const text = await readFile(join(set, PLAN, FACTS), 'utf8').catch(() => null)
  if (text === null) return null
  try {
    const facts = JSON.parse(text) as PlanFacts
    return facts.format === 1 && Array.isArray(facts.counts) ? facts : null
  } catch {
    return null
  }
}
