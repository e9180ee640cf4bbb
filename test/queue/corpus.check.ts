import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { PHOTO_A, PHOTO_B } from '../support/synthetic.js'
import { run, start } from './commands.js'
import { TestServer } from './server.js'

/*
 * The same corpus by one process, by shares, and by the workers of a queue that are killed and stopped: the same bytes.
 */

const PAIRS = 9
const FILES = ['entries.jsonl', 'frames.parquet', 'pairs.parquet']

let root: string
let server: TestServer
let manifest: string
let alone: Map<string, Buffer>
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'dff-corpora-'))
  server = await TestServer.start(join(root, 'server'))
  await mkdir(join(root, 'photos'))
  const rows: string[] = ['id,a,b']
  for (let pair = 0; pair < PAIRS; pair++) {
    await copyFile(PHOTO_A, join(root, 'photos', `a${pair}.jpg`))
    await copyFile(PHOTO_B, join(root, 'photos', `b${pair}.jpg`))
    rows.push(`pair-${pair},photos/a${pair}.jpg,photos/b${pair}.jpg`)
  }
  await writeFile(join(root, 'photos', 'broken.jpg'), 'no picture')
  rows.push('broken,photos/broken.jpg,photos/b0.jpg')
  manifest = join(root, 'pairs.csv')
  await writeFile(manifest, rows.join('\r\n'))
  const { code, err } = await run(corpus('alone'))
  assert.equal(code, 9, err)
  alone = await contents('alone')
  assert.ok([...alone.keys()].some((name) => name.endsWith('.tar')))
})
after(async () => {
  await server?.stop()
  await rm(root, { recursive: true, force: true })
})

const corpus = (set: string, ...more: string[]): string[] => [
  ...['corpus', manifest, '-o', join(root, set), '--jobs', '1', '--shard-size', '1', '--keep-doubtful', '-q'],
  ...more,
]

/** Shards and tables by name, and the record without what differs from run to run. */
async function contents(set: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const name of FILES) found.set(name, await readFile(join(root, set, name)))
  for (const name of await readdir(join(root, set, 'shards'))) {
    found.set(name, await readFile(join(root, set, 'shards', name)))
  }
  const { run: _, ...record } = JSON.parse(await readFile(join(root, set, 'dataset.json'), 'utf8'))
  found.set('dataset.json', Buffer.from(JSON.stringify(record)))
  return found
}

async function assertAsAlone(set: string): Promise<void> {
  const found = await contents(set)
  assert.deepEqual([...found.keys()].sort(), [...alone.keys()].sort())
  for (const [name, bytes] of alone) assert.ok(found.get(name)?.equals(bytes), `${set}: ${name}`)
  // Nothing half-written stays anywhere.
  const files = await readdir(join(root, set), { recursive: true })
  assert.deepEqual(
    files.filter((name) => /\.tmp\b|\.lock$/.test(name)),
    [],
  )
}

async function merged(set: string, ...folders: string[]): Promise<void> {
  const { code, err } = await run([
    'corpus',
    'merge',
    ...folders.map((name) => join(root, name)),
    '-o',
    join(root, set),
    '-q',
  ])
  assert.equal(code, 9, err)
  await assertAsAlone(set)
}

describe('shares of a corpus', () => {
  it('in folders of their own join to what one process makes', async () => {
    const shares = [1, 2, 3].map((share) => run(corpus(`share-${share}`, '--shard', `${share}/3`)))
    await Promise.all([...shares, run(corpus('other', '--shard', '1/3', '--no-backward'))])
    const merge = (set: string, ...folders: string[]) =>
      run(['corpus', 'merge', ...folders.map((name) => join(root, name)), '-o', join(root, set)])
    const [part, mixed] = await Promise.all([
      merge('part', 'share-1', 'share-2'),
      merge('mixed', 'share-1', 'other'),
      merged('joined', 'share-3', 'share-1', 'share-2'),
    ])
    // A share that is missing is seen.
    assert.equal(part.code, 9)
    assert.match(part.out, /not finished/)
    // Of another corpus: refused.
    assert.equal(mixed.code, 3)
    assert.match(mixed.err, /other options, weights or another version/)
  })

  it('in one folder, by the variables of an array job', async () => {
    const tasks = [0, 1, 2, 3].map((task) =>
      run(corpus('array', '--shard', 'auto'), {
        SLURM_ARRAY_TASK_ID: String(task),
        SLURM_ARRAY_TASK_MIN: '0',
        SLURM_ARRAY_TASK_MAX: '3',
        SLURM_ARRAY_TASK_STEP: '1',
        SLURM_ARRAY_TASK_COUNT: '4',
      }),
    )
    for (const { code, err } of await Promise.all(tasks)) assert.ok(code === 0 || code === 9, err)
    await merged('array', 'array')
  })
})

describe('workers of a queue', () => {
  const queue = (command: string, ...args: string[]): string[] => [
    'queue',
    command,
    '--name',
    'corpus-test',
    ...args,
  ]
  const set = (): string => join(root, 'queued')

  it('one killed, one stopped for longer than its lease: the set that one process makes', async () => {
    const QUEUE = { DEEPFACEFLOW_QUEUE: server.url }
    const [, input = '', , , , , ...options] = corpus('queued')
    const fill = await run([...queue('fill', input, '-o', set()), ...options], QUEUE)
    assert.equal(fill.code, 0, fill.err)
    const slow = { ...QUEUE, DFF_TEST_DELAY: '700' }
    const worker = (jobs: string) => start(queue('worker', '-o', set(), '--jobs', jobs, '--lease', '2'), slow)
    // One of them has two processes.
    const [killed, stopped, steady] = [worker('1'), worker('1'), worker('2')] as const
    for (const { text } of [killed, stopped, steady]) while (!text.err.includes('computing')) await wait(50)
    killed.child.kill('SIGKILL')
    stopped.child.kill('SIGSTOP')
    await wait(5000)
    stopped.child.kill('SIGCONT')
    assert.deepEqual([await stopped.code, await steady.code], [0, 0], stopped.text.err + steady.text.err)
    const status = await run(queue('status', '--json'), QUEUE)
    const { waiting, active, retrying, done, setAside, entriesSetAside } = JSON.parse(status.out)
    assert.deepEqual(
      { waiting, active, retrying, done, setAside },
      { waiting: 0, active: 0, retrying: 0, done: PAIRS, setAside: 1 },
    )
    assert.match(entriesSetAside[0].reason, /^INVALID_INPUT: .*broken\.jpg/)
    await merged('queued', 'queued')
  })

  it('of other weights are refused unless told otherwise', async () => {
    const QUEUE = { DEEPFACEFLOW_QUEUE: server.url }
    const args = queue('worker', '-o', set(), '--jobs', '1', '--weights', 'others')
    const refused = await run(args, QUEUE)
    assert.equal(refused.code, 2)
    assert.match(refused.err, /filled for other results \(weights: others others here, .* in the queue\)/)
    assert.equal((await run([...args, '--any-terms'], QUEUE)).code, 0)
    // A fill that is refused leaves the corpus as it was.
    const settings = await readFile(join(set(), 'corpus.json'))
    const fill = await run(queue('fill', manifest, '-o', set(), '--gaps', '7'), QUEUE)
    assert.equal(fill.code, 2)
    assert.match(fill.err, /options: .* here, .* in the queue/)
    assert.ok(settings.equals(await readFile(join(set(), 'corpus.json'))))
  })
})

describe('a server that cannot be used', () => {
  it('is told in one line, without the password', async () => {
    const status = (address: string) => run(['queue', 'status', '--queue', address])
    const [wrong, none, absent, number] = await Promise.all([
      status(`redis://:hush@127.0.0.1:${server.port}`),
      status(`redis://127.0.0.1:${server.port}`),
      status('redis://:hush@127.0.0.1:1'),
      status(`${server.url}/99`),
    ])
    for (const { code, out, err } of [wrong, none, absent, number]) {
      assert.equal(code, 7, err)
      assert.equal(out, '')
      assert.equal(err.trim().split('\n').length, 1, err)
      assert.doesNotMatch(err, /hush|p%40ss|p@ss/)
    }
    assert.match(wrong.err, /refuses the password/)
    assert.match(none.err, /wants one/)
    assert.match(absent.err, /nothing listens there/)
    assert.match(number.err, /no database of that number/)
    const bad = await run(['queue', 'status', '--queue', 'http://:hush@h'])
    assert.equal(bad.code, 2)
    assert.doesNotMatch(bad.err, /hush/)
    assert.equal((await run(['queue', 'status'], { DEEPFACEFLOW_QUEUE: '' })).code, 2)
  })
})
