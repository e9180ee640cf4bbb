import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ProcessEntry } from '../../src/corpus/queue/types.js'
import { FaceError } from '../../src/errors.js'
import { writeFileAtomic } from '../../src/platform/node/atomic.js'

/** Work that costs nothing but time, and leaves a file whose bits follow from the entry alone. */
export interface TinyEntry {
  readonly id: string
  readonly ms: number
  readonly does?: 'no-face' | 'fails-once' | 'kills-its-worker' | 'fills-the-disk'
}

export const TERMS = { engine: '0.1.0', weights: 'dbb7d76192ca' }

export const tinyEntries = (count: number, ms: number): TinyEntry[] =>
  Array.from({ length: count }, (_, index) => ({ id: `clip ${index}`, ms }))

export const outputName = (id: string): string =>
  `${createHash('sha256').update(id).digest('hex').slice(0, 16)}.bin`

export function outputBits(id: string): Buffer {
  const block = createHash('sha512').update(`bits of ${id}`).digest()
  return Buffer.concat(Array.from({ length: 64 }, () => block))
}

/**
 * @param folder outputs go to, and `runs.log` with a line for each time that work on an entry ended
 * @param onBegun told of an entry that was found not to be done: from here on it is done, whoever does it in the meantime
 */
export function tinyWork(folder: string, onBegun: (id: string) => void = () => {}): ProcessEntry<TinyEntry> {
  return async (entry, signal) => {
    const file = join(folder, outputName(entry.id))
    if (await isDone(file)) return
    switch (entry.does) {
      case 'no-face':
        throw new FaceError('NO_FACE', `${entry.id}: no face found`)
      case 'kills-its-worker':
        process.kill(process.pid, 'SIGKILL')
        break
      case 'fills-the-disk':
        throw new FaceError('OUTPUT_FAILED', `${file}: the disk is full (ENOSPC)`, { code: 'ENOSPC' })
      case 'fails-once':
        if (!(await isDone(`${file}.tried`))) {
          await writeFileAtomic(`${file}.tried`, 'once')
          throw new Error('a hiccup')
        }
    }
    onBegun(entry.id)
    await wait(entry.ms, undefined, { signal })
    await writeFileAtomic(file, outputBits(entry.id))
    appendFileSync(join(folder, 'runs.log'), `${entry.id}\n`)
  }
}

async function isDone(file: string): Promise<boolean> {
  return await readFile(file).then(
    () => true,
    () => false,
  )
}
