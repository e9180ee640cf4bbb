import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bucketName, bucketOf, type CorpusEntry, entryPaths } from '../../src/corpus/entry.js'
import { readManifest } from '../../src/corpus/manifest.js'
import { openPlan, planCorpus } from '../../src/corpus/plan.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-manifest-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const written = async (name: string, text: string | Uint8Array): Promise<string> => {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

const facts = (entries: readonly CorpusEntry[]) => entries.map(({ line: _, ...rest }) => rest)

/** Names that a CSV cell and a path can hold. */
const path = fc
  .array(fc.stringMatching(/^[\p{L}\p{N} ,"'_-]{1,12}$/u), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map((part) => part.trim() || 'x').join('/'))
const row = fc.oneof(
  fc.record({ video: path.map((p) => `${p}.mp4`) }),
  fc.record({ frames: path }),
  fc.record({ a: path.map((p) => `${p}.jpg`), b: path.map((p) => `${p}.png`) }),
)

describe('manifests', () => {
  it('are the same as CSV and as JSON lines, with a byte order mark, CRLF and empty lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (rows, end, bom) => {
          const cell = (text = '') => `"${text.replaceAll('"', '""')}"`
          const columns = ['video', 'frames', 'a', 'b', 'note'] as const
          const lines = rows.map((fields) =>
            columns.map((name) => cell((fields as Record<string, string>)[name])).join(','),
          )
          const mark = bom ? '\ufeff' : ''
          const csv = await written(
            'list.csv',
            `${mark}Video,frames,A,b,note${end}${lines.join(end + end)}${end}`,
          )
          const json = await written(
            'list.jsonl',
            `${mark}${rows.map((fields) => JSON.stringify(fields)).join(end + end)}${end}`,
          )
          const [fromCsv, fromJson] = [await collect(readManifest(csv)), await collect(readManifest(json))]
          expect(facts(fromCsv)).toEqual(facts(fromJson))
          expect(fromCsv).toHaveLength(rows.length)
          for (const [i, entry] of fromCsv.entries()) {
            expect(entry.names).toEqual(Object.values(rows[i] ?? {}))
            expect(entryPaths(entry).every((file) => file.startsWith(folder))).toBe(true)
            expect(entry.id).toMatch(/^[\p{L}\p{N}_][\p{L}\p{N}_-]*$/u)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('gives an entry the same id whatever else there is, and takes ids and groups as they are given', async () => {
    const one = await collect(readManifest(await written('one.csv', 'video\nsub/clip.mp4\n')))
    const two = await collect(
      readManifest(
        await written('two.csv', 'id,video,group\n,other.mp4,\n,sub/clip.mp4,\nmine,b.mp4,anna\n'),
      ),
    )
    expect(two[1]?.id).toBe(one[0]?.id)
    expect(one[0]?.id).toMatch(/^clip-[0-9a-f]{12}$/)
    expect(two[2]).toMatchObject({ id: 'mine', group: 'anna', line: 4 })
    expect(one[0]?.group).toBe(one[0]?.id)
  })

  it.each([
    ['list.csv', 'video\n../a.mp4\n', /line 2: the path "..\/a.mp4" leaves the folder .*--root/],
    ['list.csv', 'video\n/etc/passwd\n', /line 2: the path "\/etc\/passwd" leaves/],
    ['list.csv', 'video\nx/../../a.mp4\n', /leaves the folder/],
    ['list.csv', 'name\na.mp4\n', /names no input; the header must name video, frames, or a and b/],
    ['list.csv', 'a\na.jpg\n', /has no column "b" beside "a"/],
    ['list.csv', 'video,VIDEO\na.mp4,b.mp4\n', /the column "video" more than once/],
    ['list.csv', 'video,frames\na.mp4,b\n', /line 2: fill in one of video, frames, or a and b together/],
    ['list.csv', 'video,frames\n,\n', /line 2: fill in one of .*got nothing/],
    ['list.csv', 'a,b\nx.jpg,\n', /fill in one of/],
    ['list.csv', 'id,video\na.b,a.mp4\n', /line 2: the id "a.b" cannot name samples/],
    ['list.csv', 'video\n"a.mp4\n', /is not a valid CSV table/],
    ['list.csv', 'video\n', /holds no entries/],
    ['list.csv', new Uint8Array([0x76, 0xff, 0xfe]), /is not text in UTF-8/],
    ['list.jsonl', '{"video": "a.mp4"}\n{"video": 3}\n', /line 2: "video" is a text, got 3/],
    ['list.jsonl', '[]\n', /line 1: is no object/],
    ['list.jsonl', '{"video"\n', /line 1: is not JSON/],
    ['gone.csv', null, /cannot be read \(ENOENT\)/],
  ])('refuses %s %j', async (name, text, message) => {
    const file = text === null ? join(folder, name) : await written(name, text)
    await expect(collect(readManifest(file))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(collect(readManifest(file))).rejects.toThrow(message)
  })

  it('may name inputs above it where the folder of all inputs is given', async () => {
    await mkdir(join(folder, 'lists'))
    const file = await written('lists/list.csv', 'video\nclips/a.mp4\n')
    const [entry] = await collect(readManifest(file, { root: folder }))
    expect(entryPaths(entry as CorpusEntry)).toEqual([join(folder, 'clips/a.mp4')])
  })

  it('finds the videos and folders of pictures below a folder, and what a pattern matches', async () => {
    await mkdir(join(folder, 'deep/frames'), { recursive: true })
    for (const name of [
      'a.mp4',
      'deep/b.MKV',
      'deep/frames/1.jpg',
      'deep/frames/2.jpg',
      'notes.txt',
      '.c.mp4',
      'deep/one.png',
    ]) {
      await written(name, '')
    }
    const names = (entries: readonly CorpusEntry[]) =>
      entries.map(({ kind, names: [name] }) => `${kind} ${name}`).sort()
    expect(names(await collect(readManifest(folder)))).toEqual([
      'frames deep/frames',
      'video a.mp4',
      'video deep/b.MKV',
    ])
    expect(names(await collect(readManifest(join(folder, '**/*.m*'))))).toEqual([
      'video a.mp4',
      'video deep/b.MKV',
    ])
    await expect(collect(readManifest(join(folder, '*.mov')))).rejects.toThrow(/no file matches/)
    await expect(collect(readManifest(join(folder, 'deep/none')))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  })
})

describe('plans', () => {
  const set = () => join(folder, 'set')

  it('hold the entries in one order, whatever that of the manifest', async () => {
    const rows = Array.from({ length: 300 }, (_, i) => `clip-${i}.mp4`)
    const first = await planCorpus(
      set(),
      readManifest(await written('list.csv', `video\n${rows.join('\n')}\n`)),
    )
    const entries = await collect(first.entries())
    const again = await planCorpus(
      join(folder, 'again'),
      readManifest(await written('list.csv', `video\n${rows.reverse().join('\n')}\n`)),
    )
    expect(again.digest).toBe(first.digest)
    expect(facts(await collect(again.entries()))).toEqual(facts(entries))
    const order = entries.map(({ id }) => [bucketOf(id), id] as const)
    expect(order).toEqual([...order].sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1)))
    const half = await collect((await openPlan(set())).entries([0, 1, 2, 3, 4, 5, 6, 7]))
    expect(half).toEqual(entries.filter(({ id }) => bucketOf(id) < 8))
  })

  it('refuse what is given twice, naming both lines, and leave what was there', async () => {
    const good = await planCorpus(set(), readManifest(await written('list.csv', 'video\na.mp4\n')))
    const twice = await written('twice.csv', 'video\na.mp4\nb.mp4\na.mp4\n')
    await expect(planCorpus(set(), readManifest(twice))).rejects.toThrow(
      /a.mp4 is given twice \(lines 2 and 4\); remove one/,
    )
    const sameId = await written('ids.csv', 'id,video\nx,a.mp4\nX,b.mp4\n')
    await expect(planCorpus(set(), readManifest(sameId))).rejects.toThrow(
      /the id "X" is given twice \(lines 2 and 3\)/,
    )
    expect((await openPlan(set())).digest).toBe(good.digest)
    expect(await readdir(set())).toEqual(['plan'])
  })

  it('are not read by halves: a part that is lost or damaged is said, and planned anew', async () => {
    const manifest = await written('list.csv', 'video\na.mp4\nb.mp4\n')
    const plan = await planCorpus(set(), readManifest(manifest))
    const entries = await collect(plan.entries())
    const file = join(set(), 'plan', bucketName(bucketOf(entries[0]?.id ?? '')))
    const content = await readFile(file, 'utf8')
    for (const harm of [
      () => rm(file),
      () => writeFile(file, '{"id":'),
      () => writeFile(file, ''),
      () => writeFile(file, content.replace('"names"', '"gnames"')),
      () => writeFile(file, content.replace(/[^\n]+/, 'null')),
    ]) {
      await harm()
      await expect(collect((await openPlan(set())).entries())).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
      expect(await collect((await planCorpus(set(), readManifest(manifest))).entries())).toEqual(entries)
    }
  })

  it('are whole whenever somebody looks, also while they are replaced', async () => {
    const lists = [
      await written('two.csv', 'video\na.mp4\nb.mp4\n'),
      await written('one.csv', 'video\na.mp4\n'),
    ]
    await planCorpus(set(), readManifest(lists[0] as string))
    let isOver = false
    const looking = (async () => {
      const seen = new Set<number>()
      while (!isOver) seen.add((await openPlan(set())).count)
      return seen
    })()
    for (let i = 1; i < 30; i++) await planCorpus(set(), readManifest(lists[i % 2] as string))
    isOver = true
    expect([...(await looking)].sort()).toEqual([1, 2])
  })

  it('refuse a folder of frames that is the corpus itself', async () => {
    await mkdir(set())
    for (const name of ['1.jpg', '2.jpg']) await written(join('set', name), '')
    await expect(planCorpus(set(), readManifest(set()))).rejects.toThrow(/choose another folder with -o/)
    expect(await readdir(set())).toEqual(['1.jpg', '2.jpg'])
  })

  it('is refused where there is none', async () => {
    await expect(openPlan(folder)).rejects.toThrow(/holds no corpus/)
  })

  it('of many rows need little memory', async () => {
    const rows = 60_000
    const text = Array.from({ length: rows }, (_, i) => `videos/${i % 97}/clip-${i}.mp4`)
    const file = await written('many.csv', `video\n${text.join('\n')}\n`)
    global.gc?.()
    const before = process.memoryUsage().rss
    const plan = await planCorpus(set(), readManifest(file))
    expect(plan.count).toBe(rows)
    expect(process.memoryUsage().rss - before).toBeLessThan(250e6)
  })
})
