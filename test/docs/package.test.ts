import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

it('links of the packed documents lead to packed files', async () => {
  const { files } = JSON.parse(await readFile('package.json', 'utf8')) as { files: string[] }
  const isPacked = (path: string): boolean =>
    existsSync(path) && files.some((entry) => path === entry || path.startsWith(`${entry}/`))
  const listed = await Promise.all(
    files
      .filter((entry) => existsSync(entry) && statSync(entry).isDirectory())
      .map(async (entry) => (await readdir(entry, { recursive: true })).map((name) => join(entry, name))),
  )
  const documents = [...files, ...listed.flat()].filter((path) => path.endsWith('.md'))
  expect(documents).toEqual(
    expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/cli.md', 'docs/api/ops.md']),
  )
  const dead: string[] = []
  for (const document of documents) {
    const text = (await readFile(document, 'utf8')).replace(/```[\s\S]*?```|`[^`\n]*`/g, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#)/.test(target)) continue
      const path = normalize(join(dirname(document), target.replace(/#.*/, '')))
      if (!isPacked(path.replace(/\/$/, ''))) dead.push(`${document}: ${target}`)
    }
  }
  expect(dead).toEqual([])
})

it('the list of ops has every function of src/ops/index.ts', async () => {
  const ops = await readFile('docs/api/ops.md', 'utf8')
  const index = await readFile('src/ops/index.ts', 'utf8')
  const names = [...index.matchAll(/export \{([^}]*)\} from '\.\/\w+\//g)]
    .flatMap((match) => (match[1] as string).split(','))
    .map((name) => name.trim())
    .filter((name) => /^[a-z]/.test(name) && !name.startsWith('type '))
  // What makes no node: types of values and the bytes of a transform.
  const others = ['frameType', 'pixelBufferType', 'packImageTransform', 'vertexGoalsType', 'openingEdgesType']
  expect(names.filter((name) => !others.includes(name) && !ops.includes(`| [\`${name}\`]`))).toEqual([])
})

it('a clone without the development packages says why it is not compiled', async () => {
  const clone = await mkdtemp(join(tmpdir(), 'dff-clone-'))
  try {
    await cp('tools/prepare.js', join(clone, 'tools/prepare.js'))
    await writeFile(join(clone, 'package.json'), '{ "type": "module" }')
    const prepare = () => run(process.execPath, ['tools/prepare.js'], { cwd: clone })
    await expect(prepare()).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^deepfaceflow: this clone is not compiled.*--omit=dev.*\nrun npm install/,
      ),
    })
    // Compiled before, as in a container's second stage.
    await mkdir(join(clone, 'dist/src'), { recursive: true })
    await writeFile(join(clone, 'dist/src/index.js'), '')
    expect(await prepare()).toEqual({ stdout: '', stderr: '' })
  } finally {
    await rm(clone, { recursive: true })
  }
})

it('a build is left out only where sources and what they gave are as they were', async () => {
  const clone = await mkdtemp(join(tmpdir(), 'dff-build-'))
  const at = (path: string) => join(clone, path)
  const compiler = `const { appendFileSync, cpSync, existsSync } = require('node:fs')
appendFileSync('runs', 'x')
if (existsSync('src/wrong.ts')) process.exit(2)
cpSync('src', 'dist/src', { recursive: true })
if (existsSync('src/edited.ts')) appendFileSync('src/edited.ts', 'x')`
  try {
    for (const name of ['build.js', 'digest.js']) await cp(join('tools', name), at(`tools/${name}`))
    await writeFile(
      at('tools/build-browser.js'),
      "import { cpSync } from 'node:fs'\ncpSync('dist/src', 'dist/browser', { recursive: true })",
    )
    await mkdir(at('node_modules/typescript/bin'), { recursive: true })
    await writeFile(at('node_modules/typescript/package.json'), '{}')
    await writeFile(at('node_modules/typescript/bin/tsc'), compiler)
    await writeFile(at('package.json'), '{ "type": "module" }')
    await mkdir(at('src'))
    await writeFile(at('src/a.ts'), 'a')
    /** Builds. @returns how often the compiler has run by now */
    const built = async (): Promise<number> => {
      await run(process.execPath, ['tools/build.js'], { cwd: clone })
      return (await readFile(at('runs'), 'utf8')).length
    }
    expect([await built(), await built()]).toEqual([1, 1])
    await writeFile(at('src/a.ts'), 'b')
    expect([await built(), await built()]).toEqual([2, 2])
    await writeFile(at('dist/browser/a.ts'), 'edited')
    expect([await built(), await built()]).toEqual([3, 3])
    expect(await readFile(at('dist/browser/a.ts'), 'utf8')).toBe('b')
    await writeFile(at('src/b.ts'), '')
    await rm(at('src/a.ts'))
    expect(await built()).toBe(4)
    expect(await readdir(at('dist/src'))).toEqual(['b.ts'])
    await writeFile(at('node_modules/.package-lock.json'), '{}')
    expect(await built()).toBe(5)
    // Edited while it is compiled: what was read is not what stands there now.
    await writeFile(at('src/edited.ts'), '')
    expect([await built(), await built()]).toEqual([6, 7])
    await rm(at('src/edited.ts'))
    await writeFile(at('src/wrong.ts'), '')
    await expect(built()).rejects.toMatchObject({ code: 1 })
    await expect(built()).rejects.toMatchObject({ code: 1 })
  } finally {
    await rm(clone, { recursive: true })
  }
})

it('the manifest says where source, reports and documents are', async () => {
  const manifest = JSON.parse(await readFile(resolve('package.json'), 'utf8')) as Record<string, unknown>
  expect(manifest).toMatchObject({
    homepage: expect.stringContaining('https://'),
    bugs: expect.stringContaining('https://'),
    repository: { type: 'git', url: expect.stringMatching(/^git\+https:.*\.git$/) },
  })
})
