import { CorpusQueue } from '../../src/corpus/queue/corpus-queue.js'
import { TERMS, type TinyEntry, tinyWork } from './tiny-entries.js'

/** A worker process on tiny entries: `tiny-worker.ts <folder> <name of the queue> <options as JSON>`, address in QUEUE. */

const [folder = '', name = '', json = '{}'] = process.argv.slice(2)
const abort = new AbortController()
process.on('SIGTERM', () => abort.abort())
const work = tinyWork(folder, (id) => process.stdout.write(`began ${id}\n`))
const queue = await CorpusQueue.open<TinyEntry>(process.env.QUEUE ?? '', name)
process.stdout.write('ready\n')
try {
  const report = await queue.work(work, {
    terms: TERMS,
    signal: abort.signal,
    ...(JSON.parse(json) as object),
    onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  })
  process.stdout.write(`report ${JSON.stringify(report)}\n`)
} catch (error) {
  process.stdout.write(`error ${(error as Error).message}\n`)
  process.exitCode = 9
} finally {
  await queue.close()
}
