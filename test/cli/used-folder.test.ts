import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { packageFacts, ResultFolder } from '../../src/index.js'
import { type FileSystem, nodeFileSystem } from '../../src/platform/node/atomic.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, syntheticResult } from '../support/synthetic.js'

/** What is found out before computing, and what happens to files that lie in the output folder already. */

let faceFlow: FakeFaceFlow
let folder: string
let out: string
beforeAll(async () => {
  faceFlow = new FakeFaceFlow(await syntheticResult(mouthOpening))
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-used-'))
  out = join(folder, 'out')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(args, terminal.context, false), terminal }
}

const flow = (...options: string[]) => run('flow', PHOTO_A, PHOTO_B, '-o', out, ...options)
const names = async (path = out) => (await readdir(path)).sort()

describe('flow into a used folder', () => {
  it('removes what the earlier result listed and nothing else', async () => {
    await flow('--only', 'flow.npy,mask.png')
    await writeFile(join(out, 'notes.txt'), 'mine')
    await writeFile(join(out, 'dz.png'), 'mine')
    expect((await flow('--only', 'flow.npy')).code).toBe(EXIT.ok)
    expect(await names()).toEqual(['dz.png', 'flow.npy', 'notes.txt', 'result.json'])
  })

  it('does not overwrite a file that no record of ours lists, and says so before it computes', async () => {
    await mkdir(out)
    await writeFile(join(out, 'flow.npy'), 'mine')
    const { code, terminal } = await flow()
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toBe(
      `deepfaceflow: ${join(out, 'flow.npy')}: is not a file of an earlier result (no result.json lists it) and is ` +
        'not overwritten; move it or choose another folder with -o\n',
    )
    expect(terminal.opened).toEqual([])
    expect(await readFile(join(out, 'flow.npy'), 'utf8')).toBe('mine')
  })

  it('does not replace or remove what it computes from', async () => {
    await flow('--only', 'registered_a.png,registered_b.png')
    const before = await names()
    await symlink(out, join(folder, 'link'))
    const [a, b] = [join(folder, 'link', 'registered_a.png'), join(out, 'registered_b.png')]
    const calls = faceFlow.calls.length
    const { code, terminal } = await run('flow', '--registered', a, b, '-o', out, '--only', 'flow.npy')
    expect([code, terminal.opened]).toEqual([EXIT.output, []])
    expect(terminal.err).toMatch(/registered_a\.png: belongs to the earlier result in the output folder, /)
    const table = join(folder, 'pairs.csv')
    await writeFile(table, `id,a,b\nout,${a},${b}\n`)
    const batch = await run('batch', table, '--registered', '-o', folder, '--only', 'flow.npy')
    expect(batch.code).toBe(EXIT.partial)
    expect(batch.terminal.err).toMatch(/^out: .*belongs to the earlier result/)
    expect([await names(), faceFlow.calls.length]).toEqual([before, calls])
    const elsewhere = await run('flow', '--registered', a, b, '-o', join(folder, 'new'), '--only', 'flow.npy')
    expect(elsewhere.code).toBe(EXIT.ok)
  })

  it('leaves a link of others and its target alone', async () => {
    await mkdir(out)
    await writeFile(join(folder, 'target'), 'mine')
    await symlink(join(folder, 'target'), join(out, 'flow.npy'))
    expect((await flow('--only', 'flow.npy')).code).toBe(EXIT.output)
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('mine')
  })

  it.each(['null', '[]', '{"format":1', '3', '{"format":2,"files":[]}', ''])(
    'sets a result.json that holds %j aside and says so',
    async (text) => {
      await mkdir(out)
      await writeFile(join(out, 'result.json'), text)
      await writeFile(join(out, 'result.damaged-1.json'), 'older')
      const { code, terminal } = await flow('--only', 'flow.npy')
      expect(code).toBe(EXIT.ok)
      expect(terminal.err).toBe(
        `${join(out, 'result.json')}: is damaged or not of this command; kept as ${join(out, 'result.damaged-2.json')}\n`,
      )
      expect(await readFile(join(out, 'result.damaged-2.json'), 'utf8')).toBe(text)
    },
  )

  it('believes no record about files that no result has', async () => {
    await mkdir(out)
    await writeFile(join(folder, 'x'), 'mine')
    await writeFile(join(out, 'y'), 'mine')
    const files = ['../x', 'y', join(folder, 'x'), 3, null]
    await writeFile(join(out, 'result.json'), JSON.stringify({ format: 1, files: [...files, 'result.json'] }))
    expect((await flow('--only', 'flow.npy')).code).toBe(EXIT.ok)
    expect(await names()).toEqual(['flow.npy', 'result.json', 'y'])
    expect(await names(folder)).toEqual(['out', 'x'])
  })

  it('goes on in a folder whose run was killed between two files', async () => {
    await flow('--only', 'flow.npy')
    await rm(join(out, 'result.json'))
    await writeFile(
      join(out, '.deepfaceflow-unfinished.json'),
      '{"format":1,"files":["flow.npy","mask.png"]}',
    )
    expect((await flow('--only', 'flow.npy')).code).toBe(EXIT.ok)
    expect(await names()).toEqual(['flow.npy', 'result.json'])
  })
})

describe('found out before the device opens', () => {
  it.each<[string, () => Promise<string[]>, number, RegExp]>([
    [
      'a second photo that is missing',
      async () => [PHOTO_A, 'no.jpg'],
      EXIT.input,
      /no\.jpg: does not exist/,
    ],
    ['a photo that is a folder', async () => [folder, PHOTO_B], EXIT.input, /is a folder; give a file/],
    ['a photo that is a device', async () => [PHOTO_A, '/dev/zero'], EXIT.input, /is a pipe or device/],
    [
      'a half-copied photo',
      async () => {
        const file = join(folder, 'half.jpg')
        const bytes = await readFile(PHOTO_A)
        await writeFile(file, bytes.subarray(0, bytes.length / 2))
        return [PHOTO_A, file]
      },
      EXIT.input,
      /half\.jpg: is damaged or incomplete/,
    ],
    [
      'a registered frame of another size',
      async () => ['--registered', PHOTO_A, PHOTO_B],
      EXIT.input,
      /a registered frame is 224x224 px, this is 720x576/,
    ],
    [
      'photo space of registered frames',
      async () => ['--registered', PHOTO_A, PHOTO_B, '--only', 'photo_flow.npy'],
      EXIT.usage,
      /photo-space flow needs photos/,
    ],
    [
      'an output that is a file',
      async () => {
        await writeFile(out, '')
        return [PHOTO_A, PHOTO_B]
      },
      EXIT.output,
      /out: something else is in the way \(EEXIST\)/,
    ],
    [
      'an output below a file',
      async () => {
        await writeFile(out, '')
        return [PHOTO_A, PHOTO_B, '-o', join(out, 'a', 'b')]
      },
      EXIT.output,
      /something else is in the way \(ENOTDIR\)/,
    ],
    ['an output below /proc', async () => [PHOTO_A, PHOTO_B, '-o', '/proc/a/b'], EXIT.output, /\/proc\/a/],
    [
      'an output without a name',
      async () => [PHOTO_A, PHOTO_B, '-o', ''],
      EXIT.output,
      /the output folder has an empty name \(ENOENT\); choose one with -o/,
    ],
    [
      'an output of a long name',
      async () => [PHOTO_A, PHOTO_B, '-o', join(folder, '長'.repeat(100))],
      EXIT.output,
      /the name is too long for this file system \(ENAMETOOLONG\)/,
    ],
    [
      'a folder that another process works in',
      async () => {
        const lock = { pid: process.ppid, host: hostname(), started: null, since: 'now', token: '' }
        await mkdir(out)
        await writeFile(join(out, '.deepfaceflow.lock'), JSON.stringify(lock))
        return [PHOTO_A, PHOTO_B]
      },
      EXIT.output,
      /another deepfaceflow writes there \(process \d+ on /,
    ],
    [
      'a folder called result.json',
      async () => {
        await mkdir(join(out, 'result.json'), { recursive: true })
        return [PHOTO_A, PHOTO_B]
      },
      EXIT.output,
      /result\.json: something else is in the way \(EISDIR\)/,
    ],
  ])('%s', async (_what, prepare, expected, message) => {
    const args = await prepare()
    const { code, terminal } = await run('flow', ...args, ...(args.includes('-o') ? [] : ['-o', out]))
    expect(terminal.err).toMatch(message)
    expect(terminal.err.split('\n')).toHaveLength(2)
    expect(code).toBe(expected)
    expect(terminal.opened).toEqual([])
  })

  it('commands that start at once do not take folders away under one another', async () => {
    let looks = 0
    const fs: FileSystem = {
      ...nodeFileSystem,
      async mkdir(path) {
        const made = await nodeFileSystem.mkdir(path)
        // Another one that made it to look takes it away.
        if (looks++ < 2) await rm(path, { recursive: true })
        return made
      },
    }
    const claimed = await ResultFolder.claim(out, new Set(), fs)
    expect(claimed).toBeInstanceOf(ResultFolder)
    await (claimed as ResultFolder).release()
    expect(looks).toBe(3)
  })

  it('leaves no folder behind that only served to look', async () => {
    faceFlow.onCall = () => {
      throw new Error('bug')
    }
    await run('flow', PHOTO_A, PHOTO_B, '-o', join(out, 'a', 'b'))
    faceFlow.onCall = () => undefined
    expect(await names(folder)).toEqual([])
  })

  it('refuses a photo that is replaced while it is worked on', async () => {
    const photo = join(folder, 'a.jpg')
    await copyFile(PHOTO_A, photo)
    faceFlow.onCall = () => copyFile(PHOTO_B, photo)
    const { code, terminal } = await run('flow', photo, PHOTO_B, '-o', out)
    faceFlow.onCall = () => undefined
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toMatch(/a\.jpg: changed while it was worked on; start again/)
    expect(await names(folder)).toEqual(['a.jpg'])
  })
})

describe('names', () => {
  it.each(['100%done', 'a:b', '-x', '%d', 'http:', 'take 5 [1] (2) {3} * ? !', "it's", 'é'])(
    'writes into a folder called %s, for flow and batch',
    async (name) => {
      const target = join(folder, name)
      const relative = name.startsWith('-') ? ['-o', target] : [`--out=${target}`]
      expect((await run('flow', PHOTO_A, PHOTO_B, ...relative, '--only', 'flow.npy')).code).toBe(EXIT.ok)
      expect(await names(target)).toEqual(['flow.npy', 'result.json'])
      const table = join(folder, `${name}.csv`)
      await writeFile(table, `id,a,b\none,"${PHOTO_A}","${PHOTO_B}"\n`)
      expect((await run('batch', table, '-o', `${target} batch`, '--only', 'flow.npy')).code).toBe(EXIT.ok)
      expect(await names(`${target} batch`)).toEqual(['one', 'summary.csv', 'summary.json'])
    },
  )

  it.each(['100%done', 'a:b', '%d', 'http:', 'a.jpg[page=1]', 'a[1]', '-x', "it's"])(
    'reads a photo called %s',
    async (name) => {
      const photo = join(folder, name)
      await copyFile(PHOTO_A, photo)
      expect((await run('flow', photo, PHOTO_B, '-o', out, '--only', 'flow.npy')).code).toBe(EXIT.ok)
      const { inputs } = JSON.parse(await readFile(join(out, 'result.json'), 'utf8'))
      expect(inputs.a).toBe(photo)
    },
  )

  it('shows control characters of names, and does not let the terminal obey them', async () => {
    const evil = join(folder, '\u001b[2J\u009b31m\u202egpj\n.jpg')
    const missing = await run('flow', evil, PHOTO_B, '-o', out)
    expect(missing.terminal.err).toBe(
      `deepfaceflow: ${folder}/\\u001b[2J\\u009b31m\\u202egpj .jpg: does not exist; check the path\n`,
    )
    await copyFile(PHOTO_A, evil)
    const { terminal } = await run('flow', evil, PHOTO_B, '-o', `${out}\u001b[2J`, '--only', 'flow.npy')
    expect(terminal.out).toContain(`2 files in ${out}\\u001b[2J\n`)
    const json = (await run('flow', evil, PHOTO_B, '-o', out, '--json', '--only', 'flow.npy')).terminal.out
    for (const control of ['\u001b', '\u009b', '\u202e']) expect(json).not.toContain(control)
    expect(JSON.parse(json).inputs.a).toBe(evil)
    expect((await run('\u001b[2J')).terminal.err).toContain('\\u001b[2J')
  })
})

describe('what a result records', () => {
  it('version, weights, options, hashes of the photos, date', async () => {
    await flow('--only', 'flow.npy', '--face', '2', '--refinement', 'none')
    const { provenance, backward } = JSON.parse(await readFile(join(out, 'result.json'), 'utf8'))
    // No file shows it.
    expect(backward).toBe(false)
    expect(provenance).toMatchObject({
      version: packageFacts().version,
      weights: { name: 'synthetic' },
      options: { registered: false, refinement: 'none', depthSource: 'motion', face: { index: 1 } },
      inputs: {
        'photo A': expect.stringMatching(/^[0-9a-f]{64}$/),
        'photo B': expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect(Math.abs(Date.now() - Date.parse(provenance.date))).toBeLessThan(60_000)
  })
})
