import assert from 'node:assert/strict'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { runCli } from '../../src/cli/program.js'
import type { Dataset } from '../../src/corpus/dataset.js'
import { S3Store } from '../../src/corpus/store/s3-store.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'
import { run as runProcess, start } from './commands.js'
import { BUCKET, ObjectServer } from './object-server.js'
import { freePort, TestServer } from './server.js'

/* A corpus in object storage, on a real server: by processes, by workers of a queue, one of them killed; the same bytes as in a folder. */

const PAIRS = 6
let root: string
let objects: ObjectServer
let server: TestServer
let manifest: string
let alone: Map<string, Buffer>
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'dff-store-'))
  objects = await ObjectServer.start(join(root, 'objects'))
  server = await TestServer.start(join(root, 'server'))
  await mkdir(join(root, 'photos'))
  const rows: string[] = ['id,a,b']
  for (let pair = 0; pair < PAIRS; pair++) {
    await copyFile(PHOTO_A, join(root, 'photos', `a${pair}.jpg`))
    await copyFile(PHOTO_B, join(root, 'photos', `b${pair}.jpg`))
    rows.push(`pair-${pair},photos/a${pair}.jpg,photos/b${pair}.jpg`)
  }
  rows.push('broken,photos/gone.jpg,photos/b0.jpg')
  manifest = join(root, 'pairs.csv')
  await writeFile(manifest, rows.join('\n'))
  const { code, err } = await run(corpus(join(root, 'alone'), '--jobs', '1'))
  assert.equal(code, 9, err)
  alone = await contents('alone')
})
after(async () => {
  await server?.stop()
  await objects?.stop()
  await rm(root, { recursive: true, force: true })
})

/** The command in this process. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const before = { ...process.env }
  Object.assign(process.env, env)
  try {
    const terminal = new FakeTerminal(new FakeFaceFlow(await prepared))
    const code = await runCli(args, terminal.context, false)
    return { code, out: terminal.out, err: terminal.err }
  } finally {
    process.env = before
  }
}

const prepared = syntheticResult(mouthOpening)
const stored = (name: string) => `s3://${BUCKET}/${name}`
const corpus = (out: string, ...more: string[]): string[] => [
  ...['corpus', manifest, '-o', out, '--shard-size', '1', '--keep-doubtful', ...more],
]

/** Tables and shards of a folder by name. */
async function contents(set: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for (const name of await readdir(join(root, set, 'shards'))) {
    found.set(`shards/${name}`, await readFile(join(root, set, 'shards', name)))
  }
  for (const name of ['entries.jsonl', 'frames.parquet', 'pairs.parquet', 'report.html']) {
    found.set(name, await readFile(join(root, set, name)))
  }
  return found
}

async function assertStored(name: string): Promise<void> {
  const store = await S3Store.open(stored(name), objects.env)
  const dataset = JSON.parse(Buffer.from((await store.get('dataset.json')) ?? []).toString()) as Dataset
  assert.equal(dataset.counts.complete, PAIRS)
  assert.deepEqual(
    dataset.shards.map(({ file }) => file),
    [...alone.keys()].filter((file) => file.startsWith('shards/')).sort(),
  )
  for (const [file, bytes] of alone)
    assert.ok(bytes.equals((await store.get(file)) ?? new Uint8Array()), file)
}

describe('a corpus in object storage', () => {
  it('has the objects that a folder has as files, is gone on with, and comes back as a folder', async () => {
    const first = await runProcess(corpus(stored('set'), '--jobs', '2'), objects.env)
    assert.equal(first.code, 9, first.err)
    assert.match(first.out, new RegExp(`look at s3://${BUCKET}/set/report.html`))
    await assertStored('set')
    const again = await run(corpus(stored('set'), '--json'), objects.env)
    assert.deepEqual(
      [again.code, JSON.parse(again.out).computed, JSON.parse(again.out).skipped],
      [9, 0, PAIRS],
    )
    const merge = await run(['corpus', 'merge', stored('set'), '-o', join(root, 'back')], objects.env)
    assert.equal(merge.code, 9, merge.err)
    assert.deepEqual(await contents('back'), alone)
    const verify = await run(['corpus', 'verify', join(root, 'back')])
    assert.equal(verify.code, 0, verify.out)
    // With fewer shards none of the old ones stays.
    const whole = await run(corpus(stored('set'), '--shard-size', '100', '-q'), objects.env)
    assert.equal(whole.code, 9, whole.err)
    const store = await S3Store.open(stored('set'), objects.env)
    assert.equal(
      await store.get([...alone.keys()].filter((file) => file.endsWith('.tar')).at(-1) ?? ''),
      null,
    )
  })

  it('is computed by shares and by workers of a queue, one of them killed, to the same bytes', async () => {
    for (const share of ['1/2', '2/2']) {
      const { code, err } = await run(corpus(stored('shares'), '--jobs', '1', '--shard', share), objects.env)
      assert.ok(code === 0 || code === 9, err)
    }
    const env = { ...objects.env, DEEPFACEFLOW_QUEUE: server.url, DFF_TEST_DELAY: '500' }
    const [, ...options] = corpus(stored('queued'))
    const fill = await run(['queue', 'fill', ...options], env)
    assert.equal(fill.code, 0, fill.err)
    const worker = (jobs: string) =>
      start(['queue', 'worker', '-o', stored('queued'), '--jobs', jobs, '--lease', '2'], env)
    const [killed, steady] = [worker('1'), worker('2')]
    for (const { text } of [killed, steady]) while (!text.err.includes('computing')) await wait(50)
    killed.child.kill('SIGKILL')
    assert.equal(await steady.code, 0, steady.text.err)
    for (const set of ['shares', 'queued']) {
      const merge = await run(['corpus', 'merge', stored(set)], objects.env)
      assert.equal(merge.code, 9, merge.err)
      await assertStored(set)
    }
  })
})

describe('object storage that cannot be used', () => {
  it('is told in one line, without the secret', async () => {
    const go = (out: string, env: Record<string, string>) => run(corpus(out), { ...objects.env, ...env })
    const wrong = await go(stored('x'), { AWS_SECRET_ACCESS_KEY: 'hush' })
    const unknown = await go(stored('x'), { AWS_ACCESS_KEY_ID: 'somebody', AWS_SECRET_ACCESS_KEY: 'hush' })
    const bucket = await go('s3://elsewhere/x', {})
    const nobody = await go(stored('x'), { AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` })
    const none = await go(stored('x'), { AWS_ENDPOINT_URL: 'http://no.such.host.invalid' })
    const noKeys = await go(stored('x'), { AWS_ACCESS_KEY_ID: '' })
    for (const { code, out, err } of [wrong, unknown, bucket, nobody, none]) {
      assert.equal(code, 7, err)
      assert.equal(out, '')
      assert.equal(err.trim().split('\n').length, 1, err)
      assert.doesNotMatch(err, /hush/)
    }
    assert.match(wrong.err, /refuses the credentials \(SignatureDoesNotMatch\)/)
    assert.match(unknown.err, /refuses the credentials \(InvalidAccessKeyId\)/)
    assert.match(bucket.err, /there is no bucket elsewhere/)
    assert.match(nobody.err, /nothing listens at http:\/\/127\.0\.0\.1:\d+/)
    assert.match(none.err, /the host of .* is not known|does not answer/)
    assert.equal(noKeys.code, 2)
    assert.match(noKeys.err, /there are no credentials; set AWS_ACCESS_KEY_ID/)
  })

  it('is refused where it does not serve, with the reason', async () => {
    const refused = async (args: string[], why: RegExp) => {
      const { code, err } = await run(args, objects.env)
      assert.deepEqual([code, err.trim().split('\n').length], [2, 1], err)
      assert.match(err, why)
    }
    await refused(['corpus', 'verify', stored('set')], /verify and repair work on folders/)
    await refused(['corpus', 'repair', stored('set')], /verify and repair work on folders/)
    await refused(['corpus', 'merge', join(root, 'alone'), '-o', stored('new')], /joined in a folder/)
    await refused(corpus('s3://B/x'), /the name of a bucket/)
    await refused(['flow', PHOTO_A, PHOTO_B, '-o', stored('pair')], /is an address, not a folder/)
    await refused(['batch', manifest, '-o', stored('pairs')], /is an address, not a folder/)
    await refused(['video', join(root, 'photos'), '-o', stored('video')], /is an address, not a folder/)
    const { code, err } = await run(['corpus', 'merge', stored('nothing')], objects.env)
    assert.deepEqual([code, /holds no corpus/.test(err)], [3, true], err)
  })
})
