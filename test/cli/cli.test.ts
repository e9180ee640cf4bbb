import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EXIT, exitCodeOf } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { EngineError, FaceError } from '../../src/errors.js'
import type { FlowResult } from '../../src/face/types.js'
import { encodePng } from '../../src/platform/index.js'
import type { LayerTiming } from '../../src/runtime/autotune.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, PHOTO_B, repositoryFile, syntheticResult } from '../support/synthetic.js'

let result: FlowResult
let folder: string
let faceFlow: FakeFaceFlow
beforeAll(async () => {
  result = await syntheticResult(mouthOpening)
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-cli-'))
  faceFlow = new FakeFaceFlow(result)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function run(...args: string[]): Promise<{ code: number; terminal: FakeTerminal }> {
  const terminal = new FakeTerminal(faceFlow)
  return { code: await runCli(args, terminal.context, false), terminal }
}

describe('help and usage', () => {
  it('prints the version and the help, with commands and exit codes', async () => {
    const { version } = JSON.parse(await readFile(repositoryFile('package.json'), 'utf8'))
    expect(await run('--version')).toMatchObject({ code: EXIT.ok, terminal: { out: `${version}\n` } })
    const help = await run('--help')
    expect(help.code).toBe(EXIT.ok)
    for (const word of ['flow', 'video', 'batch', 'demo', 'doctor', 'bench', 'Exit codes:']) {
      expect(help.terminal.out).toContain(word)
    }
    for (const command of ['flow', 'video', 'batch', 'demo', 'doctor', 'bench', 'autotune']) {
      const { code, terminal } = await run(command, '--help')
      expect(code).toBe(EXIT.ok)
      expect(terminal.out).toContain('--adapter')
    }
  })

  it.each([
    [['nonsense'], /unknown command 'nonsense'/],
    [['flow', 'a.jpg'], /missing required argument 'b'/],
    [['flow', 'a', 'b', '--only', 'flow.txt'], /no product is called "flow.txt"; choose from data, meshes/],
    [['flow', 'a', 'b', '--at', '3'], /give two numbers, for example 320,240/],
    [['flow', 'a', 'b', '--face', '0'], /give a whole number from 1 on/],
    [['flow', 'a', 'b', '--face', '1', '--at', '3,4'], /cannot be used with option/],
    [['flow', 'a', 'b', '--registered', '--photo-space'], /cannot be used with option/],
    [['flow', 'a', 'b', '--face-b', '1', '--at-b', '3,4'], /cannot be used with option/],
    [['flow', 'a', 'b', '--registered', '--at-b', '3,4'], /cannot be used with option/],
    [['flow', 'a', 'b', '--all-faces', '--face', '2'], /cannot be used with option/],
    [['flow', 'a', 'b', '--at-b', '3'], /give two numbers, for example 320,240/],
    [['bench', '--runs', 'x'], /give a whole number/],
    [['flow', 'a', 'b', '--depth', 'stereo'], /Allowed choices are motion, network/],
  ])('%j is wrong use: exit 2 and what is wrong', async (args, message) => {
    const { code, terminal } = await run(...args)
    expect(code).toBe(EXIT.usage)
    expect(terminal.err).toMatch(message)
    expect(terminal.out).toBe('')
    expect(faceFlow.calls).toEqual([])
  })

  it('documents every exit code, in the help and in docs/cli.md', async () => {
    const help = (await run('--help')).terminal.out.split('Exit codes:')[1]
    const table = (await readFile(repositoryFile('docs/cli.md'), 'utf8')).split('## Exit codes')[1]
    for (const code of Object.values(EXIT)) {
      expect(help).toMatch(new RegExp(`(^|\\s)${code}  ?\\w`, 'm'))
      expect(table).toMatch(new RegExp(`^\\| [\\d, ]*\\b${code}\\b[\\d, ]* \\| \\S`, 'm'))
    }
  })

  it('has an exit code for every kind of error', () => {
    expect(exitCodeOf(new FaceError('NO_FACE', ''))).toBe(4)
    expect(exitCodeOf(new EngineError('NO_ADAPTER', ''))).toBe(5)
    expect(exitCodeOf(new EngineError('INVALID_WEIGHTS', ''))).toBe(8)
    expect(exitCodeOf(new FaceError('EXTERNAL_TOOL', ''))).toBe(7)
    expect(exitCodeOf(new Error('bug'))).toBe(1)
  })
})

describe('autotune', () => {
  const timing: LayerTiming = {
    key: '1x28x28 24->24 planes',
    nodes: ['conv4', 'conv5'],
    byDefault: 'gemm-64x64',
    chosen: 'winograd-gemm-64x64',
    ms: { 'gemm-64x64': 0.5, 'winograd-gemm-64x64': 0.25 },
    rejected: { 'matrix-4x4': 'it does not compile' },
    clock: 'timestamp query',
  }

  it('asks for measured kernels, runs every network once and reports', async () => {
    const terminal = new FakeTerminal(faceFlow)
    faceFlow.onCall = () => {
      const autotune = terminal.opened[0]?.autotune
      autotune?.onLayer?.(timing)
      autotune?.onWarning?.('a file is damaged')
      autotune?.onWarning?.('a file is damaged')
    }
    expect(await runCli(['autotune', '--software'], terminal.context, false)).toBe(EXIT.ok)
    expect(terminal.opened[0]?.autotune).toMatchObject({ mode: 'measure', software: true })
    expect(faceFlow.calls.map(({ method }) => method)).toEqual(['flow'])
    expect(faceFlow.disposed).toBe(true)
    expect(terminal.err).toBe('deepfaceflow: a file is damaged\n')
    expect(terminal.out).toContain(
      '1 layers timed (timestamp query), 1 get another kernel; 1.00 ms -> 0.50 ms',
    )
    expect(terminal.out).toContain('conv4, conv5 (1x28x28 24->24 planes): gemm-64x64 0.500 ms -> winograd')
    expect(terminal.out).toContain('conv4: matrix-4x4 is left out: it does not compile')
  })

  it('says so where nothing is left to do, and prints JSON', async () => {
    const { terminal } = await run('autotune')
    expect(terminal.opened[0]?.autotune).toMatchObject({ mode: 'measure', software: false })
    expect(terminal.out).toContain('no layer was left to time')
    const json = await run('autotune', '--json')
    expect(JSON.parse(json.terminal.out)).toEqual({ adapter: 'test adapter', layers: [], warnings: [] })
  })
})

describe('flow', () => {
  it('writes the folder and prints where to look and the numbers', async () => {
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out'))
    expect(terminal.err).toBe('')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toContain(`look at ${join(folder, 'out', 'overview.png')}`)
    expect(terminal.out).toMatch(/mean flow +\d+\.\d\d px/)
    expect(await readdir(join(folder, 'out'))).toContain('result.json')
    expect(faceFlow.disposed).toBe(true)
  })

  it('--json prints JSON and nothing else on stdout', async () => {
    const { terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy')
    const json = JSON.parse(terminal.out)
    expect(json.files).toEqual(['flow.npy', 'result.json'])
    expect(json.inputs).toEqual({ a: PHOTO_A, b: PHOTO_B, registered: false })
    expect(json.weights.name).toBe('synthetic')
    expect(json).toMatchObject({ depthSource: 'motion', refinement: 'variational' })
  })

  it.each([
    [
      'https://example.org/a.jpg',
      /^deepfaceflow: photo A: is an address \(https:\), not a file; download it first/,
    ],
    [
      `data:image/png;base64,${'QUJD'.repeat(900)}`,
      /^deepfaceflow: photo A: is a data: URL; write the picture to a file\n$/,
    ],
    ['', /^deepfaceflow: photo A: is an empty name; give a file name\n$/],
  ])('%j is no file', async (name, message) => {
    const { code, terminal } = await run('flow', name, PHOTO_B, '-o', join(folder, 'out'))
    expect([code, terminal.out]).toEqual([EXIT.input, ''])
    expect(terminal.err).toMatch(message)
  })

  it('takes a file: URL', async () => {
    const { terminal } = await run(
      ...['flow', pathToFileURL(PHOTO_A).href, PHOTO_B, '-o', folder, '--json', '--only', 'flow.npy'],
    )
    expect(JSON.parse(terminal.out).inputs).toEqual({ a: PHOTO_A, b: PHOTO_B, registered: false })
  })

  it('--all-faces writes a folder for each person and says who is in one photo alone', async () => {
    const args = [
      'flow',
      PHOTO_A,
      PHOTO_B,
      '-o',
      folder,
      '--all-faces',
      '--only',
      'flow.npy',
      '--no-backward',
    ]
    const { code, terminal } = await run(...args)
    expect(code).toBe(EXIT.ok)
    expect(faceFlow.calls).toEqual([
      { method: 'flowAll', inputs: [PHOTO_A, PHOTO_B], options: { backward: false } },
    ])
    expect((await readdir(folder)).sort()).toEqual(['person-1', 'person-2'])
    for (const person of ['person-1', 'person-2']) {
      expect((await readdir(join(folder, person))).sort()).toEqual(['flow.npy', 'result.json'])
      expect(terminal.out).toContain(`2 files in ${join(folder, person)}\n  mean flow`)
    }
    expect(terminal.err).toMatch(/^note: .*: nobody like the face at \(\d+, \d+\) in the other photo\n$/)

    const json = await run(...args, '--json')
    expect(json.terminal.err).toBe('')
    const { people, onlyA, onlyB } = JSON.parse(json.terminal.out)
    expect(people.map((person: { folder: string }) => person.folder)).toEqual(
      ['person-1', 'person-2'].map((name) => join(folder, name)),
    )
    expect(people[0].inputs).toEqual({ a: PHOTO_A, b: PHOTO_B, registered: false })
    expect([onlyA.length, onlyB.length]).toEqual([1, 0])
  })

  it('--all-faces finds out that it cannot write before it computes', async () => {
    await writeFile(join(folder, 'person-1'), 'mine')
    const { code } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--all-faces')
    expect(code).toBe(EXIT.output)
    expect(faceFlow.calls).toEqual([])
    // Also for people who may or may not be there.
    await rm(join(folder, 'person-1'))
    await mkdir(join(folder, 'person-1'))
    await mkdir(join(folder, 'person-2'))
    await writeFile(join(folder, 'person-2', 'mesh.png'), 'mine')
    const second = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--all-faces')
    expect([second.code, faceFlow.calls.length]).toEqual([EXIT.output, 0])
    expect(second.terminal.err).toMatch(/person-2\/mesh\.png: is not a file of an earlier result/)
  })

  it('what the command line alone rules out is said before the device opens', async () => {
    const flow = ['flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'out')]
    const refused: [string[], number, RegExp][] = [
      [
        ['--only', 'confidence.npy', '--no-backward'],
        EXIT.usage,
        /: confidence\.npy shows the flow from B to A, /,
      ],
      [['--only', 'flow.npy,occlusion.png', '--no-backward'], EXIT.usage, /: occlusion\.png shows/],
      [
        ['--at', '720.5,3'],
        EXIT.usage,
        /01829\.jpg: the point \(720\.5, 3\) lies outside the photo of 720x576 px/,
      ],
      [['--at-b', '3,-1'], EXIT.usage, /04117\.jpg: the point \(3, -1\) lies outside the photo/],
    ]
    for (const [args, code, message] of refused) {
      const { code: found, terminal } = await run(...flow, ...args)
      expect([args, found, terminal.opened.length]).toEqual([args, code, 0])
      expect(terminal.err).toMatch(message)
    }
    expect(await readdir(folder)).toEqual([])
    // A group does without.
    expect((await run(...flow, '--only', 'compact', '--no-backward')).code).toBe(EXIT.ok)
  })

  it('--quiet prints nothing', async () => {
    const { terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '-q', '--only', 'flow.npy')
    expect([terminal.out, terminal.err]).toEqual(['', ''])
  })

  it('hands the choices on', async () => {
    const { terminal } = await run(
      ...['flow', PHOTO_A, PHOTO_B, '-o', folder, '--only', 'flow.npy', '--at', '300,200'],
      ...['--no-backward', '--refinement', 'none', '--depth', 'network'],
      ...['--adapter', 'software', '--weights', 'w.safetensors'],
    )
    expect(faceFlow.calls[0]?.options).toEqual({ backward: false, face: { at: [300, 200] } })
    expect(terminal.opened[0]).toMatchObject({
      adapter: 'software',
      weights: 'w.safetensors',
      depth: 'network',
      refinement: 'none',
    })
    await run('flow', PHOTO_A, PHOTO_B, '-o', folder, '--only', 'flow.npy', '--face', '2', '--at-b', '9,8')
    // No file shows the flow back: it is not computed.
    expect(faceFlow.calls[1]?.options).toEqual({ backward: false, face: { index: 1 }, faceB: { at: [9, 8] } })
    const frame = join(folder, 'frame.png')
    await writeFile(frame, await encodePng(result.registeredA))
    await run('flow', frame, frame, '-o', folder, '--only', 'flow.npy', '--registered')
    expect(faceFlow.calls[2]?.method).toBe('flowRegistered')
  })

  it('a missing photo: exit 3, one line, no output folder', async () => {
    const { code, terminal } = await run('flow', 'nowhere.jpg', PHOTO_B, '-o', join(folder, 'out'))
    expect(code).toBe(EXIT.input)
    expect(terminal.err).toBe('deepfaceflow: nowhere.jpg: does not exist; check the path\n')
    expect(await readdir(folder)).toEqual([])
    expect(terminal.opened).toEqual([])
  })

  it('no face: exit 4', async () => {
    faceFlow.onCall = () => {
      throw new FaceError('NO_FACE', 'a.jpg: no face found')
    }
    expect((await run('flow', PHOTO_A, PHOTO_B, '-o', folder)).code).toBe(EXIT.noFace)
  })

  it('an output folder that is a file: exit 6', async () => {
    await writeFile(join(folder, 'taken'), '')
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', join(folder, 'taken'))
    expect(code).toBe(EXIT.output)
    expect(terminal.err).toMatch(
      /^deepfaceflow: .*taken: something else is in the way \(EEXIST\); choose .* -o\n$/,
    )
  })

  it('a bug: exit 1, one line without a stack; the stack with DEEPFACEFLOW_DEBUG', async () => {
    faceFlow.onCall = () => {
      throw new TypeError('oops')
    }
    const { code, terminal } = await run('flow', PHOTO_A, PHOTO_B, '-o', folder)
    expect(code).toBe(EXIT.internal)
    expect(terminal.err).toBe(
      'deepfaceflow: internal error: oops; run again with DEEPFACEFLOW_DEBUG=1 and report it\n',
    )
    const debug = new FakeTerminal(faceFlow)
    await runCli(['flow', PHOTO_A, PHOTO_B, '-o', folder], debug.context, true)
    expect(debug.err).toMatch(/TypeError: oops\n +at /)
  })
})

describe('demo and bench', () => {
  it('demo runs on the photos of the package', async () => {
    const { code, terminal } = await run('demo', '-o', join(folder, 'demo'))
    expect(code).toBe(EXIT.ok)
    expect(faceFlow.calls[0]?.inputs).toEqual([PHOTO_A, PHOTO_B])
    expect(terminal.out).toContain('overview.png')
  })

  it('bench prints a table of stages', async () => {
    const { code, terminal } = await run('bench', '--runs', '3')
    expect(code).toBe(EXIT.ok)
    expect(terminal.out).toMatch(/stage +min +median +p95\n +total +1\.0 +1\.0 +1\.0\n +wall/)
    expect(faceFlow.calls.filter(({ method }) => method === 'flowRegistered')).toHaveLength(5)
  })
})
