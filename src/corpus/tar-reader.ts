import { createReadStream } from 'node:fs'
import { FaceError } from '../errors.js'
import { tarStream } from '../platform/node/tar.js'
import { messageOf } from '../realms.js'
import type { SampleFile } from './sample-files.js'

/** A sample as an archive holds it. */
export interface StoredSample {
  readonly key: string
  /** In the order of the archive. */
  readonly files: readonly SampleFile[]
}

/**
 * The samples of a tar archive one after another: members that follow one another and share what stands before the first dot.
 * @param onBytes told every part of the file as it was read
 * @throws FaceError INVALID_INPUT if it cannot be read to its end
 */
export async function* readSamples(
  file: string,
  onBytes?: (part: Uint8Array) => void,
): AsyncGenerator<StoredSample> {
  const tar = tarStream().extract()
  const source = createReadStream(file, { highWaterMark: 2 ** 20 })
  source.on('error', (error) => tar.destroy(error))
  if (onBytes) source.on('data', (part) => onBytes(part as Uint8Array))
  source.pipe(tar as unknown as NodeJS.WritableStream)
  let key: string | null = null
  let files: SampleFile[] = []
  try {
    for await (const member of tar) {
      const chunks: Uint8Array[] = []
      for await (const chunk of member) chunks.push(chunk as Uint8Array)
      const { name, size } = member.header
      const bytes = Buffer.concat(chunks)
      if (bytes.length !== size) throw new Error(`${name} is cut off`)
      const dot = name.indexOf('.')
      const own = dot < 0 ? name : name.slice(0, dot)
      if (key !== null && own !== key) {
        yield { key, files }
        files = []
      }
      key = own
      files.push({ extension: dot < 0 ? '' : name.slice(dot + 1), bytes })
    }
    if (key !== null) yield { key, files }
  } catch (cause) {
    throw new FaceError(
      'INVALID_INPUT',
      `${file}: is damaged (${messageOf(cause)}); run "deepfaceflow corpus repair"`,
      { file },
      { cause },
    )
  } finally {
    source.destroy()
    tar.destroy()
  }
}
