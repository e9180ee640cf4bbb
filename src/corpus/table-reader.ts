import { FaceError } from '../errors.js'
import { messageOf } from '../realms.js'

/** Rows that are read at a time. */
const PART = 5000

/**
 * Rows of a Parquet table, a part in memory at a time.
 * @param columns those that are read
 * @throws FaceError INVALID_INPUT if it is damaged
 */
export async function* readTable<Row>(
  file: string,
  columns: readonly (keyof Row & string)[],
): AsyncGenerator<Row> {
  // Loaded when it is asked for, as the writer is.
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
  try {
    const buffer = await asyncBufferFromFile(file)
    const metadata = await parquetMetadataAsync(buffer)
    const count = Number(metadata.num_rows)
    for (let rowStart = 0; rowStart < count; rowStart += PART) {
      const rowEnd = Math.min(count, rowStart + PART)
      const rows = await parquetReadObjects({
        file: buffer,
        metadata,
        columns: [...columns],
        rowStart,
        rowEnd,
      })
      yield* rows as Row[]
    }
  } catch (cause) {
    throw new FaceError('INVALID_INPUT', `${file}: cannot be read (${messageOf(cause)})`, { file }, { cause })
  }
}
