import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { KEY_PREFIX } from '../../src/corpus/queue/connection.js'
import { CorpusQueue } from '../../src/corpus/queue/corpus-queue.js'
import type { WorkEvent, WorkReport } from '../../src/corpus/queue/types.js'
import { removeAbandoned } from '../../src/platform/node/owner.js'
import { seededRandom } from '../random.js'
import { TestServer } from './server.js'
import { outputBits, outputName, TERMS, type TinyEntry, tinyEntries, tinyWork } from './tiny-entries.js'
import { startWorker, type TinyWorker } from './workers.js'

/*
 * The queue on a real server, with real processes that die, sleep and are told to stop. Its entries cost nothing but
 * time, so what is seen is the queue.
 */

let root: string
let server: TestServer
let queue: CorpusQueue<TinyEntry>
/** Folder of the outputs. */
let folder: string
let name = ''
let tests = 0
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'dff-queue-'))
  server = await TestServer.start(join(root, 'server'))
})
after(async () => {
  await server?.stop()
  await rm(root, { recursive: true, force: true })
})

/** Each test has a queue and a folder of its own. */
async function withQueue(test: () => Promise<void>): Promise<void> {
  name = `test-${++tests}`
  folder = join(root, name)
  await mkdir(folder)
  queue = await CorpusQueue.open(server.url, name)
  try {
    await test()
  } finally {
    await queue.close()
  }
}

const worker = (options: object = {}): TinyWorker => startWorker(server.url, folder, name, options)

/** Works here until the queue is empty. */
async function workHere(options: object = {}): Promise<WorkEvent[]> {
  const events: WorkEvent[] = []
  const signal = new AbortController().signal
  const onEvent = (event: WorkEvent) => events.push(event)
  await queue.work(tinyWork(folder), { terms: TERMS, signal, onEvent, ...options })
  return events
}

/** Every entry has its output, whole, and there is nothing else. */
async function assertAllThere(entries: readonly TinyEntry[]): Promise<void> {
  // What the last one that was killed had under way goes with the first write of whoever comes next; here nobody comes.
  await removeAbandoned(folder)
  const files = (await readdir(folder)).filter((file) => file !== 'runs.log').sort()
  assert.deepEqual(files, entries.map(({ id }) => outputName(id)).sort())
  for (const { id } of entries) {
    assert.ok((await readFile(join(folder, outputName(id)))).equals(outputBits(id)), id)
  }
  const { waiting, active, retrying, done, setAside } = await queue.status()
  assert.deepEqual(
    { waiting, active, retrying, done, setAside },
    { waiting: 0, active: 0, retrying: 0, done: entries.length, setAside: 0 },
  )
}

async function runs(): Promise<string[]> {
  return (await readFile(join(folder, 'runs.log'), 'utf8')).trim().split('\n')
}

describe('a queue of entries', () => {
  it('takes each once, however often and from wherever it is filled', () =>
    withQueue(async () => {
      const entries = tinyEntries(520, 0)
      const other = await CorpusQueue.open<TinyEntry>(server.url, name)
      const read = await Promise.all([queue.fill(entries, TERMS), other.fill([...entries].reverse(), TERMS)])
      await other.close()
      assert.deepEqual(read, [520, 520])
      assert.equal((await queue.status()).waiting, 520)
      await workHere()
      await assertAllThere(entries)
      assert.equal((await runs()).length, 520)
      // What is done stays done.
      await queue.fill(entries, TERMS)
      assert.equal((await queue.status()).waiting, 0)
    }))

  it('sets aside what cannot be done, with its reason, and tries again what may', () =>
    withQueue(async () => {
      await queue.fill(
        [
          { id: 'good', ms: 1 },
          { id: 'empty', ms: 1, does: 'no-face' },
          { id: 'shaky', ms: 1, does: 'fails-once' },
        ],
        TERMS,
        { backoff: 0.3 },
      )
      const events = await workHere()
      const { done, setAside } = await queue.status()
      assert.deepEqual({ done, setAside }, { done: 2, setAside: 1 })
      assert.deepEqual(
        (await queue.setAside(10)).map(({ id, reason, attempts }) => ({ id, reason, attempts })),
        [{ id: 'empty', reason: 'NO_FACE: empty: no face found', attempts: 1 }],
      )
      assert.deepEqual(
        events
          .filter(({ kind }) => kind === 'failed' || kind === 'set-aside')
          .map(({ kind }) => kind)
          .sort(),
        ['failed', 'set-aside'],
      )
      // Forgotten, it is tried anew.
      assert.equal(await queue.remove('set-aside'), 1)
      await queue.fill([{ id: 'empty', ms: 1 }], TERMS)
      await workHere()
      assert.equal((await queue.status()).done, 3)
    }))

  it('sets aside an entry that kills its workers', () =>
    withQueue(async () => {
      await queue.fill([{ id: 'bomb', ms: 1, does: 'kills-its-worker' }], TERMS)
      for (let deaths = 0; ; deaths++) {
        const victim = worker({ lease: 0.5 })
        if ((await victim.ended) === 0) {
          assert.equal(deaths, 5)
          break
        }
      }
      const [bomb] = await queue.setAside(1)
      assert.match(bomb?.reason ?? '', /its worker died or was cut off each time/)
    }))

  it('gives an entry back when the machine is at fault, and ends', () =>
    withQueue(async () => {
      await queue.fill([{ id: 'large', ms: 1, does: 'fills-the-disk' }, ...tinyEntries(5, 1)], TERMS)
      await assert.rejects(workHere(), { code: 'OUTPUT_FAILED' })
      const { waiting, active, setAside, retrying } = await queue.status()
      assert.deepEqual(
        { waiting, active, setAside, retrying },
        { waiting: 6, active: 0, setAside: 0, retrying: 0 },
      )
      assert.equal(await queue.remove('waiting'), 6)
    }))

  it('refuses workers of other weights and fills for others', () =>
    withQueue(async () => {
      await queue.fill(tinyEntries(2, 1), TERMS)
      const others = { ...TERMS, weights: '0123456789ab' }
      const message = /weights: 0123456789ab here, dbb7d76192ca in the queue/
      await assert.rejects(queue.fill(tinyEntries(3, 1), others), { code: 'INVALID_ARGUMENT', message })
      await assert.rejects(workHere({ terms: others }), { code: 'INVALID_ARGUMENT', message })
      assert.equal((await queue.status()).waiting, 2)
      await workHere({ terms: null })
      assert.equal((await queue.status()).done, 2)
    }))

  it('a worker that waits notices that its queue was filled anew for others', () =>
    withQueue(async () => {
      const late = workHere({ waits: true })
      const failed = assert.rejects(late, {
        code: 'INVALID_ARGUMENT',
        message: /filled anew for other results/,
      })
      await queue.fill(tinyEntries(1, 1), { ...TERMS, weights: '0123456789ab' })
      await failed
      assert.equal((await queue.status()).waiting, 1)
    }))
})

describe('workers that are told to stop', () => {
  it('finish what they can and give back what they cannot', () =>
    withQueue(async () => {
      await queue.fill([{ id: 'short', ms: 1500 }, ...tinyEntries(1, 1)], TERMS)
      const finishing = worker()
      while ((await queue.status()).active === 0) await wait(50)
      finishing.child.kill('SIGTERM')
      assert.deepEqual(await finishing.report(), { done: 1, failed: 0, setAside: 0, givenBack: 0, lost: 0 })
      assert.equal((await queue.status()).waiting, 1)
      await queue.remove('waiting')

      await queue.fill([{ id: 'long', ms: 60_000 }], TERMS)
      const giving = worker({ grace: 0.5 })
      while ((await queue.status()).active === 0) await wait(50)
      giving.child.kill('SIGTERM')
      assert.deepEqual(await giving.report(), { done: 0, failed: 0, setAside: 0, givenBack: 1, lost: 0 })
      assert.equal((await queue.status()).waiting, 1)
    }))
})

describe('a worker that ends', () => {
  it('does not count what is cut off as an attempt', () =>
    withQueue(async () => {
      await queue.fill(tinyEntries(1, 1), TERMS)
      const control = new AbortController()
      const cutOff = async () => {
        control.abort()
        throw new Error('its process ended (SIGTERM)')
      }
      const report = await queue.work(cutOff, { terms: TERMS, signal: control.signal })
      assert.deepEqual(report, { done: 0, failed: 0, setAside: 0, givenBack: 1, lost: 0 })
      assert.equal((await queue.status()).waiting, 1)
    }))
})

/**
 * Stops a worker in the middle of an entry: between two it would lose nothing. What the server says does not tell, for a worker
 * may have been given an entry whose name has not reached it; what the worker says and an output that is not there do.
 * @returns id of the entry
 */
async function stopAmidEntry({ child, text }: TinyWorker): Promise<string> {
  for (let seen = text().length; ; seen = text().length) {
    while (!text().slice(seen).includes('began ')) await wait(1)
    child.kill('SIGSTOP')
    await wait(50)
    const id = /began (.*)\n$/.exec(text())?.[1]
    if (id !== undefined && !(await readdir(folder)).includes(outputName(id))) return id
    child.kill('SIGCONT')
  }
}

describe('workers that fail', () => {
  it(
    'one killed, one stopped for longer than its lease, the server started anew: each entry once',
    { timeout: 120_000 },
    () =>
      withQueue(async () => {
        const entries = tinyEntries(60, 150)
        await queue.fill(entries, TERMS)
        const [killed, stopped, steady] = [
          worker({ lease: 2 }),
          worker({ lease: 2 }),
          worker({ lease: 2 }),
        ] as const
        await Promise.all([killed, stopped, steady].map((one) => one.says('"done"')))
        const held = await stopAmidEntry(stopped)
        killed.child.kill('SIGKILL')
        await server.restart(500)
        // When its lease is over, the entry waits for the next look at leases; only then has another one done it.
        while ((await queue.status()).done < entries.length) await wait(100)
        stopped.child.kill('SIGCONT')
        assert.equal(await stopped.ended, 0)
        assert.equal(await steady.ended, 0)
        // Its entry went to another one. What it did afterwards was either cut off or written a second time, the same bits.
        const { lost } = (await stopped.report()) as WorkReport
        const times = (await runs()).filter((run) => run === held).length
        assert.equal(times + lost, 2)
        await assertAllThere(entries)
      }),
  )

  it('what is no entry is set aside, and the rest is done', () =>
    withQueue(async () => {
      const other = new Queue(name, { connection: { url: server.url }, prefix: KEY_PREFIX })
      for (const data of [null, 'text', {}, { entry: null }, { entry: { id: 7 }, terms: 'x' }]) {
        await other.add('entry', data)
      }
      await other.close()
      const entries = tinyEntries(3, 0)
      await queue.fill(entries, TERMS)
      const events = await workHere()
      assert.equal(events.filter(({ kind }) => kind === 'done').length, entries.length)
      const setAside = await queue.setAside(10)
      assert.equal(setAside.length, 5)
      for (const { id, reason } of setAside) {
        assert.equal(id, '')
        assert.match(reason, /^INVALID_INPUT: .*holds something that is no entry/)
      }
    }))

  it('20 kills at random times: nothing lost, nothing doubled', () =>
    withQueue(async () => {
      const entries = tinyEntries(400, 40)
      await queue.fill(entries, TERMS)
      const random = seededRandom('kills')
      const crew = Array.from({ length: 3 }, () => worker({ lease: 1 }))
      let kills = 0
      while (kills < 20) {
        await wait(100 + random() * 500)
        const place = Math.floor(random() * crew.length)
        const victim = crew[place] as TinyWorker
        if (victim.child.exitCode !== null) break
        victim.child.kill('SIGKILL')
        kills++
        crew[place] = worker({ lease: 1 })
      }
      assert.equal(kills, 20)
      await Promise.all(crew.map(({ ended }) => ended))
      await assertAllThere(entries)
    }))
})
