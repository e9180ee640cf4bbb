import { execFileSync, spawnSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { extract } from 'tar-stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { assembleCorpus } from '../../src/corpus/assemble.js'
import { type Dataset, readDataset } from '../../src/corpus/dataset.js'
import { type CorpusEntry, entryFolder } from '../../src/corpus/entry.js'
import { type EntryRecord, isDone, readEntryRecord, whyOpen } from '../../src/corpus/entry-record.js'
import { readManifest } from '../../src/corpus/manifest.js'
import { gatherShares } from '../../src/corpus/merge.js'
import { corpusOptions } from '../../src/corpus/options.js'
import { type CorpusPlan, planCorpus } from '../../src/corpus/plan.js'
import { processEntry } from '../../src/corpus/process-entry.js'
import { type CorpusSettings, writeSettings } from '../../src/corpus/settings.js'
import { FRAME_COLUMNS, PAIR_COLUMNS, type PairTableRow } from '../../src/corpus/table-columns.js'
import { readTable } from '../../src/corpus/table-reader.js'
import { type CorpusProblem, verifyCorpus } from '../../src/corpus/verify.js'
import { EngineError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { decodeNpy } from '../../src/io/npy.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import { FakeFaceFlow } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

/*
 * Corpora of pictures without networks: each face of a folder is the prepared one. Entries: three folders of frames, a pair, and a pair
 * of which a photo is missing.
 */

let folder: string
let result: FlowResult
let faceFlow: FakeFaceFlow
let settings: CorpusSettings
let plan: CorpusPlan
let dataset: Dataset
const set = () => join(folder, 'set')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-corpus-'))
  result = await syntheticResult(mouthOpening)
  faceFlow = new FakeFaceFlow(result)
  for (const name of ['one', 'two', 'three']) {
    await mkdir(join(folder, name))
    for (let i = 0; i < 4; i++) await cp(i % 2 === 0 ? PHOTO_A : PHOTO_B, join(folder, name, `${i}.jpg`))
  }
  await cp(PHOTO_A, join(folder, 'a.jpg'))
  await cp(PHOTO_B, join(folder, 'b.jpg'))
  await writeFile(
    join(folder, 'list.csv'),
    'id,frames,a,b,group\none,one,,,x\ntwo,two,,,x\nthree,three,,,y\npair,,a.jpg,b.jpg,\nbad,,a.jpg,gone.jpg,\n',
  )
  const { name, hash, depthHash } = faceFlow.weights
  const { depthSource, refinement, extent } = result
  settings = {
    format: 1,
    version: packageFacts().version,
    options: corpusOptions({ gaps: [1, 2], perTrack: 3, keepDoubtful: true, pncc: true }),
    engine: { weights: { name, hash, depthHash }, depthSource, refinement, extent },
    assembly: {
      shardBytes: 2e6,
      splits: { shares: { train: 0.5, test: 0.5 }, by: 'source', seed: 1 },
      license: 'CC0-1.0',
    },
  }
  ;({ plan, dataset } = await make(set(), (entries) => entries))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function compute(into: string, entry: CorpusEntry) {
  return await processEntry(entry, settings.options, { set: into, faceFlow, engine: settings.engine })
}

async function make(into: string, order: (entries: CorpusEntry[]) => CorpusEntry[]) {
  const planned = await planCorpus(into, readManifest(join(folder, 'list.csv')))
  await writeSettings(into, settings)
  const entries: CorpusEntry[] = []
  for await (const entry of planned.entries()) entries.push(entry)
  for (const entry of order(entries)) await compute(into, entry)
  return { plan: planned, dataset: await assembleCorpus(into, planned, settings) }
}

async function entryOf(id: string): Promise<CorpusEntry> {
  for await (const entry of plan.entries()) if (entry.id === id) return entry
  throw new Error(`no entry ${id}`)
}

async function content(of: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const name of await readdir(of, { recursive: true })) {
    if (/^(plan|entries|corpus)\b/.test(name) || name === 'dataset.json' || name === 'shards') continue
    files[name] = (await readFile(join(of, name))).toString('base64')
  }
  return files
}

async function rows(): Promise<PairTableRow[]> {
  const all: PairTableRow[] = []
  const names = Object.keys(PAIR_COLUMNS) as (keyof PairTableRow)[]
  for await (const row of readTable<PairTableRow>(join(set(), 'pairs.parquet'), names)) all.push(row)
  return all
}

/** Files of all shards by name. */
async function members(): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const { file } of dataset.shards) {
    const tar = extract()
    tar.end(await readFile(join(set(), file)))
    for await (const member of tar) {
      const parts: Buffer[] = []
      for await (const part of member) parts.push(part as Buffer)
      files.set(member.header.name, Buffer.concat(parts))
    }
  }
  return files
}

describe('a corpus', () => {
  it('has the same bytes whatever the order of its entries', async () => {
    const other = await make(join(folder, 'other'), (entries) => entries.reverse())
    expect(await content(join(folder, 'other'))).toEqual(await content(set()))
    const { run: _a, ...facts } = dataset
    const { run: _b, ...others } = other.dataset
    expect(others).toEqual(facts)
  })

  it('counts what it has, keeps groups in one split, and lists what failed', async () => {
    expect(dataset.counts).toMatchObject({
      entries: 5,
      complete: 4,
      failed: 1,
      open: 0,
      pairs: 10,
      tracks: 4,
      faces: 14,
    })
    expect(dataset.license).toBe('CC0-1.0')
    expect(dataset.flow.largest_error).toBeGreaterThan(0)
    expect(dataset.flow.largest_error).toBeLessThan(0.01)
    const lines = (await readFile(join(set(), 'entries.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.find(({ id }) => id === 'bad')).toMatchObject({ status: 'failed', code: 'INVALID_INPUT' })
    const splits = new Map<string, Set<string>>()
    for (const { group, split } of await rows())
      splits.set(group, (splits.get(group) ?? new Set()).add(split))
    for (const of of splits.values()) expect(of.size).toBe(1)
  })

  it('is read by tar-stream, npy and Parquet readers: a row for each sample, flow within its error', async () => {
    const files = await members()
    const pairs = await rows()
    expect(pairs).toHaveLength(10)
    for (const row of pairs) {
      const file = (extension: string) => files.get(`${row.key}.${extension}`) as Buffer
      for (const extension of ['i1.png', 'i2.png', 'mask.png', 'occlusion.png'])
        expect(file(extension)).toBeDefined()
      const { data, shape } = decodeNpy(file('flow.npy'))
      expect(shape).toEqual([224, 224, 3])
      for (let i = 0; i < data.length; i++) {
        const exact = result.flow[i] as number
        if (Math.abs((data[i] as number) - exact) > Math.abs(exact) / 2048 + 1e-7) expect(data[i]).toBe(exact)
      }
      expect(decodeNpy(file('pncc.npy')).shape).toEqual([224, 224, 3])
      const { split: _s, shard: _f, bytes: _b, sha256: _h, ...figures } = row
      expect(JSON.parse(file('json').toString())).toEqual(figures)
      expect(row.to_template_a).toHaveLength(4)
    }
    const frames: { landmarks68: number[]; rejected: string[] }[] = []
    const names = Object.keys(FRAME_COLUMNS) as never[]
    for await (const row of readTable<(typeof frames)[number]>(join(set(), 'frames.parquet'), names))
      frames.push(row)
    expect(frames).toHaveLength(14)
    expect(frames[0]?.landmarks68).toHaveLength(136)
  })

  const hasPython = spawnSync('python3', ['-c', 'import numpy']).status === 0
  it.runIf(hasPython)("is read by Python's tarfile and numpy", async () => {
    const code = `
import glob, io, json, sys, tarfile
import numpy as np
found = {}
for name in sorted(glob.glob(sys.argv[1] + '/shards/*.tar')):
    for member in tarfile.open(name):
        if member.name.endswith('.flow.npy'):
            flow = np.load(io.BytesIO(tarfile.open(name).extractfile(member).read()))
            assert flow.dtype == np.float16 and flow.shape == (224, 224, 3)
            found[member.name.split('.')[0]] = float(np.abs(flow).max())
print(json.dumps(found))`
    const found = JSON.parse(execFileSync('python3', ['-c', code, set()], { encoding: 'utf8' }))
    const largest = result.flow.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(Object.keys(found).sort()).toEqual((await rows()).map(({ key }) => key).sort())
    for (const value of Object.values(found)) expect(value).toBeCloseTo(largest, 1)
  })

  it('knows what is done: by the bytes of its inputs, options, weights and version', async () => {
    const { options, engine } = settings
    const one = await entryOf('one')
    expect(await isDone(set(), one, options, engine)).toBe(true)
    await utimes(join(folder, 'one/0.jpg'), new Date(), new Date(1e12))
    expect(await isDone(set(), one, options, engine)).toBe(true)
    expect(await whyOpen(set(), one, corpusOptions({ ...options, seed: 2 }), engine)).toBe('seed is 2, was 1')
    const others = { ...engine, weights: { ...engine.weights, hash: 'f'.repeat(64) } }
    expect(await whyOpen(set(), one, options, others)).toMatch(/the weights are/)
    expect(await whyOpen(set(), { ...one, id: 'nobody' }, options, engine)).toBe('')
    // A photo that is missing is looked for again.
    expect(await whyOpen(set(), await entryOf('bad'), options, engine)).toMatch(/gone.jpg/)
  })

  it('leaves nothing of an entry that the device or a signal ends, and what was there stays', async () => {
    const two = await entryOf('two')
    const before = await readEntryRecord(set(), 'two')
    faceFlow.onCall = () => {
      throw new EngineError('DEVICE_LOST', 'the device was lost')
    }
    await expect(compute(set(), two)).rejects.toMatchObject({ code: 'DEVICE_LOST' })
    const abort = new AbortController()
    faceFlow.onCall = () => abort.abort(new Error('enough'))
    const context = { set: set(), faceFlow, engine: settings.engine, signal: abort.signal }
    await expect(processEntry(two, settings.options, context)).rejects.toThrow('enough')
    faceFlow.onCall = () => undefined
    expect(await readEntryRecord(set(), 'two')).toEqual(before)
    expect(
      (await readdir(dirname(entryFolder(set(), 'two')))).filter((name) => name.startsWith('.')),
    ).toEqual([])
  })

  it('takes what can be read of a folder with a damaged picture', async () => {
    await mkdir(join(folder, 'damaged'))
    for (let i = 0; i < 3; i++) await cp(PHOTO_A, join(folder, 'damaged', `${i}.jpg`))
    await writeFile(join(folder, 'damaged/1.jpg'), 'no picture')
    const entry: CorpusEntry = { ...(await entryOf('one')), id: 'damaged', names: ['damaged'] }
    const record = await compute(join(folder, 'extra'), entry)
    expect(record).toMatchObject({
      status: 'complete',
      counts: { frames: 2, pairs: 1, rejected: { unreadable: 1 } },
    })
    for (let i = 0; i < 3; i++) await writeFile(join(folder, 'damaged', `${i}.jpg`), 'no picture')
    expect(await compute(join(folder, 'extra'), entry)).toMatchObject({
      status: 'failed',
      failure: { code: 'INVALID_INPUT' },
    })
  })
})

describe('an entry whose input changes while it is worked on', () => {
  const into = () => join(folder, 'changing')
  const isComputed = (entry: CorpusEntry) => isDone(into(), entry, settings.options, settings.engine)
  /** What happens at the second computation. */
  const meanwhile = (happens: () => Promise<unknown>) => {
    let calls = 0
    faceFlow.onCall = async () => {
      if (++calls === 2) await happens()
    }
  }
  afterEach(() => {
    faceFlow.onCall = () => undefined
  })

  it('is not taken for what it was, and computed when it is whole', async () => {
    await mkdir(join(folder, 'copied'))
    for (let i = 0; i < 2; i++) await cp(PHOTO_A, join(folder, 'copied', `${i}.jpg`))
    const entry: CorpusEntry = { ...(await entryOf('one')), id: 'copied', names: ['copied'] }
    for (const [happens, why] of [
      [() => cp(PHOTO_B, join(folder, 'copied/2.jpg')), /has other pictures than/],
      [() => cp(PHOTO_B, join(folder, 'copied/1.jpg')), /1.jpg: changed while/],
      [() => rm(join(folder, 'copied/1.jpg')), /1.jpg: changed while/],
    ] as const) {
      meanwhile(happens)
      const { status, failure } = await compute(into(), entry)
      expect(status).toBe('failed')
      expect(failure?.message).toMatch(why)
      expect(await isComputed(entry)).toBe(false)
    }
    faceFlow.onCall = () => undefined
    expect(await compute(into(), entry)).toMatchObject({ status: 'complete', counts: { frames: 2 } })
    expect(await isComputed(entry)).toBe(true)
  })
})

describe('the samples of an assembled corpus', () => {
  const archives = async (of: string) =>
    (await readdir(join(of, 'entries'), { recursive: true })).filter((name) => name.endsWith('samples.tar'))
  const subset = async (into: string, ids: readonly string[]) => {
    const planned = await planCorpus(into, readManifest(join(folder, 'list.csv')))
    return await planCorpus(
      into,
      (async function* () {
        for await (const entry of planned.entries()) if (ids.includes(entry.id)) yield entry
      })(),
    )
  }

  it('lie in the shards alone, from where a corpus that grows takes them: the same bytes as in one go', async () => {
    expect(await archives(set())).toEqual([])
    const grown = join(folder, 'grown')
    const some = await subset(grown, ['two', 'pair'])
    for await (const entry of some.entries()) await compute(grown, entry)
    expect((await assembleCorpus(grown, some, settings)).counts.pairs).toBe(4)
    expect(await archives(grown)).toEqual([])
    const all = await planCorpus(grown, readManifest(join(folder, 'list.csv')))
    for await (const entry of all.entries()) {
      if (!(await isDone(grown, entry, settings.options, settings.engine))) await compute(grown, entry)
    }
    // Undivided, and again as before: other shards of the same samples.
    const whole = { ...settings, assembly: { ...settings.assembly, splits: null } }
    expect(Object.keys((await assembleCorpus(grown, all, whole)).splits)).toEqual(['data'])
    await assembleCorpus(grown, all, settings)
    expect(await content(grown)).toEqual(await content(set()))
    expect(await archives(grown)).toEqual([])
    expect((await verifyCorpus(grown)).problems).toEqual([])
  })

  it('are kept with their entry where the data set leaves it out, and come back with it', async () => {
    const worn = join(folder, 'less')
    await cp(set(), worn, { recursive: true })
    await assembleCorpus(worn, await subset(worn, ['one', 'pair']), settings)
    expect(await archives(worn)).toHaveLength(2)
    const all = await planCorpus(worn, readManifest(join(folder, 'list.csv')))
    await assembleCorpus(worn, all, settings)
    expect(await content(worn)).toEqual(await content(set()))
    // What other options would compute is open, and as it was computed once those are back.
    const others = { ...settings, options: corpusOptions({ ...settings.options, seed: 5 }) }
    expect((await assembleCorpus(worn, all, others)).counts).toMatchObject({ complete: 0, open: 5 })
    expect(await archives(worn)).toHaveLength(4)
    await assembleCorpus(worn, all, settings)
    expect(await content(worn)).toEqual(await content(set()))
  })

  it('are whole at each moment at which the process can be killed', async () => {
    const names = ['dataset.json', 'shards', ...Object.keys(dataset.files)]
    for (let moved = 0; moved <= names.length; moved++) {
      const killed = join(folder, `killed-${moved}`)
      await cp(set(), killed, { recursive: true })
      // As between two renames of publishing: dataset.json comes last, and an older data set is in the way of what is not moved yet.
      await mkdir(join(killed, '.assembled'))
      for (const name of names
        .toReversed()
        .slice(0, names.length - moved)
        .concat('dataset.json')) {
        await cp(join(set(), name), join(killed, '.assembled', name), { recursive: true })
        await rm(join(killed, name), { recursive: true, force: true })
        if (name === 'shards') await mkdir(join(killed, name))
      }
      expect((await verifyCorpus(killed)).problems.map(({ of }) => of)).not.toContain('entry')
      expect(await assembleCorpus(killed, plan, settings)).toEqual(dataset)
      expect(await content(killed)).toEqual(await content(set()))
      expect((await verifyCorpus(killed)).problems).toEqual([])
      expect(await readdir(killed)).not.toContain('.assembled')
      await rm(killed, { recursive: true })
    }
  })

  it('are gathered from a folder that was assembled', async () => {
    const joined = join(folder, 'joined')
    const gathered = await gatherShares(joined, [set()])
    expect(gathered.copied).toBe(5)
    await assembleCorpus(joined, gathered.plan, settings)
    expect(await content(joined)).toEqual(await content(set()))
  })
})

describe('verify and repair', () => {
  const problems = async (): Promise<CorpusProblem[]> => [...(await verifyCorpus(set())).problems]
  const remade = () => assembleCorpus(set(), plan, settings, { force: true })
  /** What the command repair does. */
  const repair = async () => {
    const ids = (await problems()).filter(({ of }) => of === 'entry').map(({ name }) => name)
    for (const id of ids) {
      await rm(entryFolder(set(), id), { recursive: true })
      await compute(set(), await entryOf(id))
    }
    await remade()
    return ids
  }
  const ofEntry = (name: string | undefined) => ({
    of: 'entry',
    name,
    what: 'has samples that the shards do not hold as they were written',
  })

  it('finds nothing in what is as it was written', async () => {
    expect(await verifyCorpus(set())).toEqual({
      problems: [],
      shards: dataset.shards.length,
      samples: 10,
      entries: 5,
    })
  })

  it('names sample, shard and entry where a byte has changed, and computes that entry again alone', async () => {
    const before = await content(set())
    const [first] = dataset.shards
    const file = join(set(), first?.file ?? '')
    const bytes = await readFile(file)
    const changed = Buffer.from(bytes)
    // In the numbers of the first member, the flow of the first sample.
    changed[20_000] = (changed[20_000] as number) ^ 1
    await writeFile(file, changed)
    const { key, entry } = (await rows()).find(({ shard }) => shard === first?.file) as PairTableRow
    expect(await problems()).toEqual([
      ofEntry(entry),
      { of: 'sample', name: key, what: `is damaged in ${first?.file}` },
      { of: 'shard', name: first?.file, what: 'is damaged' },
    ])
    await expect(remade()).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { entry } })
    expect(await repair()).toEqual([entry])
    expect(bytes.equals(await readFile(file))).toBe(true)
    expect(await content(set())).toEqual(before)
    expect(await problems()).toEqual([])
  })

  it('does so with shards that are cut off or gone, and with a table', async () => {
    const before = await content(set())
    const [first] = dataset.shards
    const file = join(set(), first?.file ?? '')
    const bytes = await readFile(file)
    const held = [...new Set((await rows()).filter((r) => r.shard === first?.file).map((r) => r.entry))]
    await truncate(file, bytes.length / 2)
    expect((await problems()).map(({ of }) => of)).toEqual(
      expect.arrayContaining(['entry', 'sample', 'shard']),
    )
    await rm(file)
    expect(await problems()).toEqual([
      ...held.map(ofEntry),
      { of: 'shard', name: first?.file, what: expect.stringMatching(/^is missing, with its \d samples/) },
    ])
    await writeFile(join(set(), 'pairs.parquet'), 'PAR1')
    expect(await problems()).toContainEqual({ of: 'table', name: 'pairs.parquet', what: 'is damaged' })
    expect(await repair()).toEqual(held)
    expect(bytes.equals(await readFile(file))).toBe(true)
    expect(await content(set())).toEqual(before)
    expect(await problems()).toEqual([])
  })

  it('finds what has changed in records, and makes them as they were', async () => {
    const record = join(entryFolder(set(), 'one'), 'entry.json')
    const change = async (file: string, name: string) => {
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace(new RegExp(`("${name}": )\\d+`), '$199'))
      return text
    }
    const { inputState: _, seal: __, ...before } = JSON.parse(await change(record, 'faces')) as EntryRecord
    expect(await problems()).toEqual([
      { of: 'entry', name: 'one', what: 'is not computed, or its entry.json is damaged' },
    ])
    expect(await repair()).toEqual(['one'])
    expect(await readEntryRecord(set(), 'one')).toMatchObject(before)
    await change(join(set(), 'dataset.json'), 'faces')
    const made = await readFile(join(set(), 'corpus.json'))
    await writeFile(join(set(), 'corpus.json'), '{"format":1}')
    expect(await problems()).toEqual([
      { of: 'dataset', name: 'dataset.json', what: 'is missing or damaged' },
      { of: 'dataset', name: 'corpus.json', what: 'is damaged' },
    ])
    await writeFile(join(set(), 'corpus.json'), made)
    await repair()
    expect(await problems()).toEqual([])
    expect((await readDataset(set()))?.counts).toEqual(dataset.counts)
  })

  it('names what somebody else put beside the shards, and takes no sample from it', async () => {
    const before = await content(set())
    const [first, last] = [dataset.shards[0]?.file ?? '', dataset.shards.at(-1)?.file ?? '']
    // A copy that loaders would read first, with samples that belong further behind.
    const stray = first.replace('000000', '00000')
    await cp(join(set(), last), join(set(), stray))
    expect(await problems()).toEqual([{ of: 'shard', name: stray, what: 'is not of this data set' }])
    expect(await repair()).toEqual([])
    expect(await content(set())).toEqual(before)
  })

  it('takes samples from shards whose record is lost', async () => {
    const before = await content(set())
    await rm(join(set(), 'dataset.json'))
    expect(await problems()).toEqual([{ of: 'dataset', name: 'dataset.json', what: 'is missing or damaged' }])
    expect(await repair()).toEqual([])
    expect(await content(set())).toEqual(before)
  })

  it('is not assembled from an archive that is damaged; computed again, it gives the same bytes', async () => {
    const before = await content(set())
    await rm(entryFolder(set(), 'one'), { recursive: true })
    await compute(set(), await entryOf('one'))
    const samples = join(entryFolder(set(), 'one'), 'samples.tar')
    await truncate(samples, 100_000)
    expect(await problems()).toEqual([{ of: 'entry', name: 'one', what: 'has a damaged samples.tar' }])
    await expect(remade()).rejects.toMatchObject({ code: 'INVALID_INPUT', details: { entry: 'one' } })
    expect(await content(set())).toEqual(before)
    expect(await repair()).toEqual(['one'])
    expect(await content(set())).toEqual(before)
    expect(await problems()).toEqual([])
  })
})
