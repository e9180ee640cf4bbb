import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { demoPhotos } from '../../src/io/demo.js'

/*
 * The compiled package in Bun and Deno: the same bits as in Node. They take an install of their own: npm run test:runtimes.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COMMAND = join(ROOT, 'bin/deepfaceflow.js')
const installed = (path: string): string => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url))

/** npm installs the one binary of Bun that is for this machine. */
async function bun(): Promise<string> {
  const [platform = ''] = await readdir(installed('@oven'))
  return installed(`@oven/${platform}/bin/bun`)
}

const RUNTIMES: Record<string, () => Promise<readonly [string, ...string[]]>> = {
  Bun: async () => [await bun()],
  Deno: async () => [process.execPath, installed('deno/bin.cjs'), 'run', '--allow-all'],
}
const NODE = [process.execPath] as const

let folder: string
let photos: readonly [string, string]
before(async () => {
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: ROOT })
  folder = await mkdtemp(join(tmpdir(), 'dff-runtimes-'))
  // As installed, where each runtime resolves the package's name; Deno goes by the manifest.
  await writeFile(
    join(folder, 'package.json'),
    '{ "type": "module", "dependencies": { "deepfaceflow": "*" } }',
  )
  await mkdir(join(folder, 'node_modules'))
  await symlink(ROOT, join(folder, 'node_modules/deepfaceflow'))
  photos = [join(folder, 'a.jpg'), join(folder, 'b.jpg')]
  for (const [index, photo] of demoPhotos().entries()) {
    const name = photos[index]
    if (name) await copyFile(photo, name)
  }
})
after(() => rm(folder, { recursive: true, force: true }))

async function run(
  [program, ...first]: readonly [string, ...string[]],
  args: readonly string[],
): Promise<string> {
  const env = { ...process.env, NO_COLOR: '1' }
  const { stdout } = await promisify(execFile)(program, [...first, ...args], { cwd: folder, env })
  return stdout
}

/** A program of the README, with a last line that prints a digest of what it computed. */
async function readmeProgram(containing: string, digested: string): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const program = blocks.find((block) => block.includes(containing))
  assert.ok(program, `README.md has a program with ${containing}`)
  const name = `${containing.replace(/\W/g, '')}.mjs`
  const digest = `import { createHash } from 'node:crypto'
const bytes = new Uint8Array(${digested}.buffer, ${digested}.byteOffset, ${digested}.byteLength)
console.log('digest', createHash('sha256').update(bytes).digest('hex'))
`
  await writeFile(join(folder, name), program + digest)
  return name
}

const digestOf = (printed: string): string => printed.match(/^digest (\w{64})$/m)?.[1] ?? printed

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  describe(name, () => {
    it('runs the command: the same files as in Node', async () => {
      const written: Record<string, Map<string, Buffer>> = {}
      for (const [which, host] of [['node', NODE] as const, ['other', await runtime()] as const]) {
        const out = join(folder, `${name}-${which}`)
        await run(host, [COMMAND, 'flow', ...photos, '-o', out])
        const files = await readdir(out)
        written[which] = new Map()
        for (const file of files) written[which].set(file, await readFile(join(out, file)))
      }
      const { node = new Map(), other = new Map() } = written
      assert.ok(node.size > 20)
      assert.deepEqual([...other.keys()], [...node.keys()])
      // Times, dates and the last digits of the runtime's own sine and logarithm are in this one.
      const differing = [...node].filter(([file, bytes]) => !bytes.equals(other.get(file) as Buffer))
      assert.deepEqual(
        differing.map(([file]) => file),
        ['result.json'],
      )
    })

    it("runs the README's programs: the same bits as in Node", async () => {
      for (const [containing, digested] of [
        ['faceFlow.flow', 'result.flow'],
        ['one layer', 'y'],
      ] as const) {
        const program = await readmeProgram(containing, digested)
        const wanted = digestOf(await run(NODE, [program]))
        assert.match(wanted, /^\w{64}$/)
        assert.equal(digestOf(await run(await runtime(), [program])), wanted)
      }
    })

    it('says what is wrong with an input, and ends with its code', async () => {
      const failure = await run(await runtime(), [
        COMMAND,
        'flow',
        'missing.jpg',
        photos[0],
        '-o',
        'none',
      ]).then(
        () => assert.fail('no error'),
        (error: { code: number; stderr: string }) => error,
      )
      assert.equal(failure.code, 3)
      assert.equal(failure.stderr, 'deepfaceflow: missing.jpg: does not exist; check the path\n')
    })
  })
}
