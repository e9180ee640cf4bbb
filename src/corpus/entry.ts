import { join, relative, resolve, sep } from 'node:path'
import { FaceError } from '../errors.js'
import { sha256Now } from '../platform/node/hash.js'

const ENTRY_KINDS = ['video', 'frames', 'pair'] as const

/** What an entry of a corpus is made of: a video file, a folder of frames, or two photos of one person. */
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** One entry of a corpus: one unit of work, of resuming and of repair. */
export interface CorpusEntry {
  /**
   * Names the entry's folder and begins the names of its samples: letters, digits, `_` and `-`. As the manifest gives it, else
   * derived from kind and names: the same entry has the same id wherever its folder lies, and whatever else is in the manifest.
   */
  readonly id: string
  readonly kind: EntryKind
  /** The inputs relative to `root`, with `/`: what tables hold. Two of a pair (A, B), else one. */
  readonly names: readonly string[]
  /** Absolute path of the folder that the names are relative to; another one where the inputs lie elsewhere on this machine. */
  readonly root: string
  /** Entries of one group never stand in two splits: one person's videos, or the parts of one recording. Default: the id. */
  readonly group: string
  /** Line of the manifest, from 1; null for a folder or pattern. */
  readonly line: number | null
}

/** Whether a line of a plan is an entry. */
export function isEntry(value: unknown): value is Omit<CorpusEntry, 'root'> {
  if (typeof value !== 'object' || value === null) return false
  const { id, kind, names, group, line } = value as Partial<CorpusEntry>
  return (
    typeof id === 'string' &&
    typeof group === 'string' &&
    ENTRY_KINDS.some((known) => known === kind) &&
    Array.isArray(names) &&
    names.length === (kind === 'pair' ? 2 : 1) &&
    names.every((name) => typeof name === 'string') &&
    (line === null || Number.isInteger(line))
  )
}

/** Without dots: readers of WebDataset shards split the names of samples at the first one. */
const SAFE_ID = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]*$/u
/** Names of samples and of temporary folders begin with the id; file systems take 255 bytes, some of them 143. */
const MAX_ID_BYTES = 100
/** Of the hash that ends a derived id: 48 bits keep a million entries apart but for one case in 500. */
const HASH_DIGITS = 12
const MAX_SLUG = 40

/**
 * The id of an entry that its manifest gives none.
 * @param names as in `CorpusEntry`
 */
export function derivedId(kind: EntryKind, names: readonly string[]): string {
  const hash = sha256Now([JSON.stringify([kind, ...names])]).slice(0, HASH_DIGITS)
  const last = (names[0] ?? '').split('/').at(-1) ?? ''
  const slug = last
    .replace(/\.[^.]*$/, '')
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_SLUG)
  return slug === '' ? `entry-${hash}` : `${/^[A-Za-z0-9_]/.test(slug) ? '' : '_'}${slug}-${hash}`
}

/**
 * @param where what messages name, like `list.csv: line 3`
 * @throws FaceError INVALID_INPUT for an id that cannot name a folder and a sample
 */
export function assertUsableId(id: string, where: string): void {
  const bytes = Buffer.byteLength(id)
  if (SAFE_ID.test(id) && bytes <= MAX_ID_BYTES) return
  const why = SAFE_ID.test(id)
    ? `has ${bytes} bytes, at most ${MAX_ID_BYTES} fit; shorten it`
    : 'cannot name samples; use letters, digits, _ and - (readers of the shards split names at the first dot)'
  throw new FaceError('INVALID_INPUT', `${where}: the id "${id}" ${why}`, { id })
}

/**
 * An entry that came from elsewhere, a queue's server or a store: its id names folders here.
 * @param where what messages name
 * @throws FaceError INVALID_INPUT for what is no entry
 */
export function assertEntry(value: unknown, where: string): asserts value is CorpusEntry {
  const { id, kind, names, root, group } = (value ?? {}) as Partial<Record<keyof CorpusEntry, unknown>>
  const isEntry =
    [id, root, group].every((text) => typeof text === 'string') &&
    ENTRY_KINDS.includes(kind as EntryKind) &&
    Array.isArray(names) &&
    names.length === (kind === 'pair' ? 2 : 1) &&
    names.every((name) => typeof name === 'string')
  if (!isEntry) throw new FaceError('INVALID_INPUT', `${where}: holds something that is no entry of a corpus`)
  assertUsableId(id as string, where)
}

/** Names that differ in case or in how accents are composed are the same folder on some systems. */
export function idKey(id: string): string {
  return id.normalize('NFC').toLowerCase()
}

/** Buckets of entries: no folder, and no list that is held in memory, has more than a part of a corpus. */
export const BUCKETS = 256

/** Number of the bucket of an id, in [0, BUCKETS): by hash, so that buckets and shares of them are alike in size. */
export function bucketOf(id: string): number {
  return Number.parseInt(sha256Now([idKey(id)]).slice(0, 2), 16)
}

/** Two hex digits. */
export function bucketName(bucket: number): string {
  return bucket.toString(16).padStart(2, '0')
}

/** The order of entries in plans, shards and tables: by bucket, then by id in the order of code units. */
export function compareIds(a: string, b: string): number {
  return bucketOf(a) - bucketOf(b) || (a < b ? -1 : a > b ? 1 : 0)
}

/** Folder of a finished entry below the corpus's folder. @throws FaceError INVALID_INPUT for an id that leads elsewhere */
export function entryFolder(set: string, id: string): string {
  assertUsableId(id, 'the entry')
  return join(set, ENTRIES, bucketName(bucketOf(id)), id)
}

/** Folder of all finished entries below the corpus's folder. */
export const ENTRIES = 'entries'

/**
 * An entry with what follows from its paths filled in.
 * @param paths absolute, below `root`
 * @param where what messages name
 * @throws FaceError INVALID_INPUT for an id that cannot name a folder
 */
export function entryOf(
  kind: EntryKind,
  paths: readonly string[],
  root: string,
  where: string,
  line: number | null,
  id?: string,
  group?: string,
): CorpusEntry {
  const names = paths.map((path) => (relative(root, path) || '.').split(sep).join('/'))
  const ownId = id ?? derivedId(kind, names)
  if (id !== undefined) assertUsableId(id, where)
  return { id: ownId, kind, names, root, group: group ?? ownId, line }
}

/** Absolute paths of an entry's inputs. */
export function entryPaths({ root, names }: Pick<CorpusEntry, 'root' | 'names'>): string[] {
  return names.map((name) => resolve(root, name))
}
