import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { FaceError } from '../../errors.js'

/** An input file as it was when its bytes were hashed. */
export interface HashedFile {
  readonly file: string
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string
  /** Changes when the file is written or replaced. */
  readonly state: string
}

/**
 * Hashes a file without holding it in memory.
 * @throws FaceError INVALID_INPUT naming the file
 */
export async function hashFile(file: string): Promise<HashedFile> {
  const hash = createHash('sha256')
  try {
    const info = await stat(file)
    if (info.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
    if (!info.isFile()) {
      throw new FaceError('INVALID_INPUT', `${file}: is a pipe or device; give a file`, { file })
    }
    const state = await fileState(file)
    for await (const part of createReadStream(file)) hash.update(part as Uint8Array)
    return { file, sha256: hash.digest('hex'), state }
  } catch (cause) {
    if (cause instanceof FaceError) throw cause
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    const what =
      code === 'ENOENT' || code === 'ENOTDIR'
        ? 'does not exist; check the path'
        : code === 'EISDIR'
          ? 'is a folder; give a file'
          : `cannot be read (${code}); check its permissions`
    throw new FaceError('INVALID_INPUT', `${file}: ${what}`, { file, code }, { cause })
  }
}

/**
 * A result computed meanwhile would be labelled with a hash of other bytes.
 * @throws FaceError INVALID_INPUT if the file was written or replaced since it was hashed
 */
export async function assertUnchanged({ file, state }: HashedFile): Promise<void> {
  const now = await fileState(file).catch(() => 'gone')
  if (now === state) return
  throw new FaceError('INVALID_INPUT', `${file}: changed while it was worked on; start again`, { file })
}

async function fileState(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join()
}
