import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeNpy } from '../../src/io/npy.js'
import { readSafetensors } from '../../src/weights/safetensors.js'

/*
 * The two ways to get the command: the packed tarball in an empty folder, and a clone. Takes a minute and the npm
 * registry, so it runs apart from the other tests: npm run test:package.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FRAMES = ['pair0-1.png', 'pair0-2.png'].map((name) => join(ROOT, 'test/fixtures/dffnet', name))

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-package-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** Runs a program to its end. @returns what it printed on stdout */
async function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { cwd, maxBuffer: 2 ** 26 })
  return stdout
}

const QUIET = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

describe('tarball in an empty folder', () => {
  let installed: string

  before(async () => {
    const stdout = await run('npm', ['pack', '--json', '--pack-destination', folder], ROOT)
    // The build script that runs before packing may print to stdout, too.
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
      { filename: string; files: { path: string }[] },
    ]
    const tarball = join(folder, packed.filename)
    const parts = new Set(packed.files.map(({ path }) => path.split('/')[0]))
    for (const part of parts) {
      assert.match(
        part ?? '',
        /^(bin|dist|kernels|weights|web|types|demo|docs|CHANGELOG\.md|LICENSE|NOTICE|README\.md|package\.json)$/,
      )
    }
    assert.ok((await stat(tarball)).size < 40e6, 'the tarball is below 40 MB')
    installed = join(folder, 'empty')
    await run('mkdir', [installed], folder)
    await writeFile(join(installed, 'package.json'), '{ "private": true, "type": "module" }\n')
    await run('npm', ['install', '--ignore-scripts', ...QUIET, tarball], installed)
  })

  it('has the command', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    assert.equal(await run('npx', ['deepfaceflow', '--version'], installed), `${version}\n`)
  })

  it('computes the flow of a registered pair', async () => {
    const stdout = await run(
      'npx',
      ['deepfaceflow', 'flow', ...FRAMES, '--registered', '--json', '-o', 'out'],
      installed,
    )
    const { weights, files } = JSON.parse(stdout) as { weights: { hash: string }; files: string[] }
    const shipped = 'node_modules/deepfaceflow/weights/dffnet-m.safetensors'
    assert.equal(weights.hash, (await readSafetensors(join(installed, shipped))).hash)
    assert.deepEqual((await readdir(join(installed, 'out'))).sort(), [...files].sort())
    const { data, shape } = decodeNpy(await readFile(join(installed, 'out/flow.npy')))
    assert.deepEqual(shape, [224, 224, 3])
    assert.ok(data.some((value) => Math.abs(value) > 1))
  })

  it('is a library of two levels', async () => {
    const program = [
      `import { DeepFaceFlow, demoPhotos } from 'deepfaceflow'`,
      `import { Engine } from 'deepfaceflow/engine'`,
      'const faceFlow = await DeepFaceFlow.create()',
      'const { photometric, a } = await faceFlow.flow(...demoPhotos(), { backward: false })',
      'faceFlow.dispose()',
      'const engine = await Engine.open()',
      'engine.dispose()',
      'console.log(JSON.stringify({ ...photometric, width: a.image.width }))',
    ]
    await writeFile(join(installed, 'program.js'), `${program.join('\n')}\n`)
    const result = JSON.parse(await run(process.execPath, ['program.js'], installed))
    assert.equal(result.width, 720)
    assert.ok(result.after < result.before)
  })

  it('takes an op from outside: the program of docs/engine.md compiles in strict TypeScript, and runs', async () => {
    const text = await readFile(join(installed, 'node_modules/deepfaceflow/docs/engine.md'), 'utf8')
    const program = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
    const own = program.find((block) => block.includes('OpDefinition'))
    assert.ok(own !== undefined, 'docs/engine.md has a program with an OpDefinition')
    await writeFile(join(installed, 'own-op.ts'), own)
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      target: 'es2022',
      module: 'nodenext',
      types: [],
    }
    const project = JSON.stringify({ compilerOptions, files: ['own-op.ts'] })
    await writeFile(join(installed, 'tsconfig.json'), project)
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], installed)
    assert.equal(await run(process.execPath, ['own-op.js'], installed), '0,0.25,0.25,0.5,1,1\n')
  })
})

describe('clone', { skip: !existsSync(join(ROOT, '.git')) }, () => {
  it('runs after npm install', async () => {
    const clone = join(folder, 'clone')
    await run('git', ['clone', '--quiet', '--depth', '1', `file://${ROOT}`, clone], folder)
    await run('npm', ['install', ...QUIET], clone)
    const doctor = JSON.parse(await run('npx', ['deepfaceflow', 'doctor', '--json'], clone))
    assert.match(doctor.weights.hash, /^[0-9a-f]{64}$/)
    assert.ok(doctor.adapters.length > 0)
    assert.equal(
      await run('git', ['status', '--porcelain'], clone),
      '',
      'the build leaves no untracked files',
    )
  })
})
