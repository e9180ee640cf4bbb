import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { demoPhotos } from '../../src/io/demo.js'
import { bundle } from '../support/bundle.js'

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

/** Programs of a document, in which the package is the one at hand. */
async function programsOf(document: string): Promise<string[]> {
  const text = await readFile(document, 'utf8')
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
}

async function runProgram(program: string): Promise<string> {
  const file = join(folder, 'example.mjs')
  const here = program
    .replace("'deepfaceflow/engine'", JSON.stringify(resolve('src/engine.ts')))
    .replace("'deepfaceflow'", JSON.stringify(resolve('src/index.ts')))
  await writeFile(file, here)
  const bundled = await bundle(file, join(folder, 'bundled.mjs'))
  const { stdout } = await run(process.execPath, [bundled], { cwd: folder })
  return stdout
}

async function runExample(document: string, containing: string): Promise<string> {
  const program = (await programsOf(document)).find((block) => block.includes(containing))
  if (program === undefined) throw new Error(`${document} has no program with ${containing}`)
  return await runProgram(program)
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

it('docs/corpus.md: a corpus of a folder of frames', async () => {
  await mkdir(join(folder, 'videos', 'clip'), { recursive: true })
  for (const frame of ['talk-00.jpg', 'talk-01.jpg']) {
    await copyFile(resolve('test/fixtures/eval/real', frame), join(folder, 'videos', 'clip', frame))
  }
  const printed = await runExample('docs/corpus.md', 'planCorpus')
  expect(printed).toMatch(/^clip-[0-9a-f]{12} complete \d\n/)
  expect(printed).toMatch(/complete: 1,[\s\S]*frames: 2,\s*faces: 2,\s*tracks: 1,/)
  expect((await stat(join(folder, 'set', 'dataset.json'))).size).toBeGreaterThan(1000)
}, 300_000)

it('docs/animate.md and docs/expression.md: a photo that moves, and coefficients of photos, a video and a pair', async () => {
  await mkdir(join(folder, 'frames'))
  for (const [from, to] of [
    ['a.jpg', 'photo.jpg'],
    ['b.jpg', 'rest.jpg'],
    ['a.jpg', 'frames/000.jpg'],
    ['b.jpg', 'frames/001.jpg'],
  ] as const) {
    await copyFile(join(folder, from), join(folder, to))
  }
  await runExample('docs/animate.md', 'animation.next')
  const xmp = (await sharp(join(folder, '001.png')).metadata()).xmpAsString
  expect(xmp).toContain('digitalsourcetype/compositeSynthetic')
  const printed = await runExample('docs/expression.md', 'result.expression')
  expect(printed).toMatch(/^[\d.]+ [\d.]+ -?[\d.]+ -?[\d.]+ \d+\nok [\d.]+ [\d.]+\n$/)
}, 300_000)

/** What the programs of docs/streams.md take from around them. */
const STREAM = `
import { EventEmitter } from 'node:events'
import { DeepFaceFlow, decodePhoto, LatestFrames } from 'deepfaceflow'
const faceFlow = await DeepFaceFlow.create({ weights: 'dffnet-m-small', refinement: 'none' })
const firstFrame = await decodePhoto('a.jpg')
const frames = (async function* () { for (let i = 0; i < 3; i++) yield firstFrame })()
const camera = new EventEmitter()
let shown = 0
const show = (step) => { if (step.frameToFrame.flow.length === 224 * 224 * 3) shown++ }
`

it('docs/streams.md: a stream, and a live source', async () => {
  const programs = await programsOf('docs/streams.md')
  expect(programs).toHaveLength(2)
  const ending = `
await last
const handler = camera.listeners('frame')[0]
await Promise.all(Array.from({ length: 6 }, () => handler(firstFrame)))
console.log(JSON.stringify({ shown, ...live.counters }))
faceFlow.dispose()
`
  const printed = await runProgram([STREAM, ...programs, ending].join('\n'))
  const { shown, pushed, computed, dropped, failed } = JSON.parse(
    printed.trimEnd().split('\n').at(-1) as string,
  )
  expect([pushed, failed, computed + dropped]).toEqual([6, 0, 6])
  expect(computed).toBeGreaterThanOrEqual(2)
  // Of the stream all but the last, of the live source those that were not dropped.
  expect(shown).toBe(2 + computed)
}, 300_000)
