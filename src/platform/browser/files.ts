import { EngineError, FaceError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import type { ReadOptions, ShippedFiles } from '../shipped-files.js'
import { sha256 } from './hash.js'
import { emitWarning } from './host.js'
import { type ShippedFile, VERSION, WEIGHTS } from './shipped.js'

const CACHE_PREFIX = 'deepfaceflow-'

/** What is known of addresses that `shippedWeights` gave out. */
const shippedAt = new Map<string, ShippedFile>()

/** Address of a file of the package's `weights`. @throws EngineError INVALID_WEIGHTS where it cannot be known */
export function shippedWeights(name: string, { weightsUrl }: ShippedFiles = {}): string {
  const file = WEIGHTS[name]
  const url = addressOf(name, weightsUrl, file)
  if (file !== undefined) shippedAt.set(url, file)
  return url
}

function addressOf(name: string, weightsUrl: ShippedFiles['weightsUrl'], file?: ShippedFile): string {
  if (typeof weightsUrl === 'function') return absolute(weightsUrl(name))
  if (weightsUrl !== undefined) return new URL(name, `${absolute(weightsUrl).replace(/\/?$/, '/')}`).href
  try {
    if (file !== undefined) return besideUnbundled(file.url(), name)
  } catch {
    // The code has no address: part of a classic script.
  }
  throw new EngineError(
    'INVALID_WEIGHTS',
    `${name}: where the weights are served from is not known here; copy the package's weights folder to your site and pass its address, weightsUrl`,
    { file: name },
  )
}

/** Vite's dev server moves the code of packages to a folder of its own and leaves their files where they are. */
function besideUnbundled(url: URL, name: string): string {
  const own = import.meta.url
  const moved = /^(.*\/node_modules\/)\.vite\/deps[^/]*\//.exec(own)
  return moved ? `${moved[1]}deepfaceflow/weights/${name}` : url.href
}

/** Relative to the page, as everywhere in a browser; in a worker to its script. */
function absolute(url: string | URL): string {
  return new URL(String(url), globalThis.document?.baseURI ?? globalThis.location?.href).href
}

/**
 * Contents of an address, of the package's own files from the browser's cache where an earlier visit left them there.
 * Rejects with the signal's reason, too.
 * @throws EngineError INVALID_WEIGHTS that names the address, what came from there and the remedy
 */
export async function readBytes(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  const { signal, onDownload } = options
  signal?.throwIfAborted()
  const shipped = shippedAt.get(path)
  const cache = shipped && (await openCache())
  // Of other content another key: a file of an older build on the same server is not taken for it.
  const key = shipped ? `${path}${path.includes('?') ? '&' : '?'}sha256=${shipped.sha256}` : path
  const stored = cache && (await keptBytes(cache, key))
  // Disks lose bytes: what is damaged is loaded again.
  if (stored !== undefined && (await sha256([stored])) === shipped?.sha256) {
    onDownload?.({ file: path, loaded: stored.length, total: stored.length, local: true })
    return stored
  }
  const bytes = await download(path, shipped?.bytes, options)
  if (shipped === undefined) return bytes
  const hash = await sha256([bytes])
  if (hash !== shipped.sha256) {
    throw new EngineError(
      'INVALID_WEIGHTS',
      `${path}: is not the file that belongs to this version (SHA-256 ${hash.slice(0, 12)}, not ${shipped.sha256.slice(0, 12)}; ` +
        `${bytes.length} bytes of ${shipped.bytes}); serve the weights folder of deepfaceflow ${VERSION} there`,
      { file: path, sha256: hash },
    )
  }
  // A full disk, or a private window: the next visit loads it again.
  await cache?.put(key, new Response(bytes)).catch(warnNotKept)
  return bytes
}

async function keptBytes(cache: Cache, key: string): Promise<Uint8Array | undefined> {
  try {
    const response = await cache.match(key)
    return response && new Uint8Array(await response.arrayBuffer())
  } catch {
    return undefined
  }
}

let hasWarned = false

/** Once a page, not for every file. */
function warnNotKept(cause: unknown): void {
  if (hasWarned) return
  hasWarned = true
  emitWarning(
    `the browser does not keep the weights (Cache Storage: ${messageOf(cause)}), so every visit downloads them again; ` +
      'free space, or allow this site to store data',
    'DEEPFACEFLOW_NOT_CACHED',
  )
}

async function download(
  path: string,
  known: number | undefined,
  { signal, onDownload }: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await request(path, signal)
  // What servers of single-page apps answer to any address that they do not know.
  if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
    throw failure(path, 'the server answers with a web page: there is no such file', WRONG_PLACE)
  }
  const stated = Number(response.headers.get('content-length'))
  const total = known ?? (stated > 0 && !response.headers.has('content-encoding') ? stated : undefined)
  if (response.body === null) return new Uint8Array(await response.arrayBuffer())
  const parts: Uint8Array<ArrayBuffer>[] = []
  let loaded = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      signal?.throwIfAborted()
      const part = total === undefined ? `${loaded} bytes` : `${loaded} of ${total} bytes`
      throw failure(path, `the connection ended after ${part}`, 'check the connection and try again', cause)
    })
    if (done) break
    parts.push(value)
    loaded += value.length
    onDownload?.({ file: path, loaded, total, local: false })
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

async function request(path: string, signal: AbortSignal | undefined, method = 'GET'): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { method, ...(signal && { signal }) })
  } catch (cause) {
    signal?.throwIfAborted()
    if (navigator.onLine === false)
      throw failure(path, 'the browser is offline', 'connect and try again', cause)
    throw failure(
      path,
      'the network or the rules of the page (CORS, CSP) refuse it',
      'check that the server runs and that the page may load from there',
      cause,
    )
  }
  if (!response.ok) throw failure(path, `HTTP ${response.status}`, WRONG_PLACE)
  return response
}

const WRONG_PLACE =
  "check the address; the package's own files are in its weights folder: serve that, and pass its address as weightsUrl"

function failure(path: string, why: string, remedy: string, cause?: unknown): EngineError {
  return new EngineError(
    'INVALID_WEIGHTS',
    `${path}: cannot be read (${why}); ${remedy}`,
    { file: path },
    { cause },
  )
}

export async function fileExists(path: string): Promise<boolean> {
  if (shippedAt.has(path)) return true
  try {
    const response = await request(path, undefined, 'HEAD')
    return !/^text\/html\b/i.test(response.headers.get('content-type') ?? '')
  } catch {
    return false
  }
}

let opening: Promise<Cache | undefined> | undefined

/** Undefined where the browser keeps nothing: insecure pages, some private windows. */
function openCache(): Promise<Cache | undefined> {
  opening ??= (async () => {
    try {
      const name = CACHE_PREFIX + VERSION
      const cache = await caches.open(name)
      for (const other of await caches.keys()) {
        if (other.startsWith(CACHE_PREFIX) && other !== name) await caches.delete(other)
      }
      return cache
    } catch (cause) {
      warnNotKept(cause)
      return undefined
    }
  })()
  return opening
}

/** Where choices of kernels are kept: addresses in the cache that no server answers. */
export async function cacheFolder(): Promise<string> {
  return new URL('/deepfaceflow-stored', globalThis.location?.origin ?? 'https://localhost').href
}

export function storePath(folder: string, name: string): string {
  return `${folder}/${name}`
}

/** Text stored there; undefined if there is none. Rejects where the browser refuses to read it. */
export async function readStored(path: string): Promise<string | undefined> {
  const cache = await openCache()
  return await (await cache?.match(path))?.text()
}

/** @throws FaceError OUTPUT_FAILED where there is no room */
export async function writeStored(path: string, text: string): Promise<void> {
  const cache = await openCache()
  try {
    await cache?.put(path, new Response(text))
  } catch (cause) {
    throw new FaceError(
      'OUTPUT_FAILED',
      `${path}: cannot be kept in Cache Storage (${messageOf(cause)}); free space, or allow this site to store data`,
      { file: path },
      { cause },
    )
  }
}

/** The package, as it is served. */
export function packageFacts(): { readonly root: string; readonly version: string } {
  // Not in one expression: bundlers would look for a file of that name.
  const own = import.meta.url
  return { root: new URL('../..', own).href, version: VERSION }
}
