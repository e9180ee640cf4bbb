import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { demoPhotos } from '../../src/io/demo.js'

/** The programs of README and docs are run as they stand, but for the place of the package. */
const run = promisify(execFile)
let folder: string

beforeAll(async () => {
  await mkdir('.cache', { recursive: true })
  folder = await mkdtemp(resolve('.cache', 'examples-'))
  const [a, b] = demoPhotos()
  await copyFile(a, join(folder, 'a.jpg'))
  await copyFile(b, join(folder, 'b.jpg'))
})

afterAll(() => rm(folder, { recursive: true }))

async function runExample(document: string, containing: string): Promise<string> {
  const text = await readFile(document, 'utf8')
  const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
  const program = blocks.find((block) => block.includes(containing))
  if (program === undefined) throw new Error(`${document} has no program with ${containing}`)
  const file = join(folder, 'example.mjs')
  const here = program
    .replace("'deepfaceflow/engine'", JSON.stringify(resolve('src/engine.ts')))
    .replace("'deepfaceflow'", JSON.stringify(resolve('src/index.ts')))
  await writeFile(file, here)
  const { stdout } = await run(process.execPath, ['--import', 'tsx', file], { cwd: folder })
  return stdout
}

it('README: two photos to flow', async () => {
  const printed = await runExample('README.md', 'faceFlow.flow')
  expect(printed).toMatch(/dx: -?\d/)
  expect((await stat(join(folder, 'out', 'overview.png'))).size).toBeGreaterThan(10_000)
})

it('README: one layer on the engine', async () => {
  const printed = await runExample('README.md', 'one layer')
  expect(printed).toContain('1x64x64x3 -> 1x64x64x16')
  expect(printed.trimEnd().endsWith(String(64 * 64 * 16))).toBe(true)
})

it('docs/engine.md: a registered pair that stays on the GPU', async () => {
  const bytes = 224 * 224 * 3 * 4
  expect((await runExample('docs/engine.md', 'registeredFlow')).trim()).toBe(`${bytes} ${bytes / 4}`)
})
