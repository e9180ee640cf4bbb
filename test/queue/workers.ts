import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after } from 'node:test'
import type { WorkReport } from '../../src/corpus/queue/types.js'
import { buildProgram } from '../support/bundle.js'

/** A worker process of a test. */
export interface TinyWorker {
  readonly child: ChildProcess
  readonly text: () => string
  /** Resolves when its output holds the text, from the given place on. */
  says(text: string): Promise<void>
  readonly ended: Promise<number | null>
  /** What it reported; null if it was killed. */
  report(): Promise<WorkReport | null>
}

const built = await buildProgram('test/queue/tiny-worker.ts')
after(() => built.remove())

export function startWorker(url: string, folder: string, name: string, options: object = {}): TinyWorker {
  const child = spawn(process.execPath, [built.file, folder, name, JSON.stringify(options)], {
    env: { ...process.env, QUEUE: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const waiting: { text: string; resolve: () => void }[] = []
  child.stdout.on('data', (part) => {
    text += part
    for (const entry of waiting) if (text.includes(entry.text)) entry.resolve()
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    child,
    text: () => text,
    ended,
    says: (wanted) =>
      new Promise((resolve, reject) => {
        if (text.includes(wanted)) return resolve()
        waiting.push({ text: wanted, resolve })
        void ended.then(() => reject(new Error(`ended without "${wanted}": ${text}`)))
      }),
    report: async () => {
      await ended
      const line = /^report (.*)$/m.exec(text)?.[1]
      return line === undefined ? null : (JSON.parse(line) as WorkReport)
    },
  }
}
