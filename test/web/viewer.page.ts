import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Browser, killGpu, openBrowser } from './chromium.js'
import {
  buildPage,
  changedShare,
  command,
  drawnShare,
  overflow,
  pageFlags,
  shot,
  slide,
  view,
} from './page.js'

/** The viewer that the command serves, on results that the command wrote. */

const SCENE = '.scene'
/** Bytes of the whole page, compressed; it is in the package. */
const BUDGET = 200e3

let folder: string
let pair: string
let page: string
let browser: Browser

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-viewer-'))
  page = await buildPage('viewer')
  pair = join(folder, 'pair')
  await command('demo', '-o', pair, '--weights', 'dffnet-m-small', '-q')
  browser = await openBrowser(pageFlags())
})
after(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Opens a folder and waits until it is shown, or is said not to be. */
async function open(path: string) {
  const server = await view(path)
  const asked: string[] = []
  const tab = await browser.context.newPage()
  tab.on('request', (request) => asked.push(new URL(request.url()).origin))
  await tab.goto(server.address)
  await tab.waitForSelector('.viewer[data-shown], .status.error', { timeout: 120_000 })
  return {
    tab,
    asked,
    origin: new URL(server.address).origin,
    status: async () => (await tab.locator('.status').textContent()) ?? '',
    async end() {
      await tab.close()
      return await server.end()
    },
  }
}

it('is within its size', async () => {
  const files = await readdir(page, { recursive: true, withFileTypes: true })
  let bytes = 0
  for (const file of files) {
    if (file.isFile()) bytes += gzipSync(await readFile(join(file.parentPath, file.name))).length
  }
  assert.ok(bytes < BUDGET, `${bytes} bytes compressed`)
})

describe('a pair', () => {
  it('moves as mesh and as surface, with arrows, and asks nobody else', async () => {
    const shown = await open(pair)
    const { tab } = shown
    assert.equal(await shown.status(), '')
    await tab.getByRole('button', { name: 'Pause' }).click()
    await slide(tab, 'A to B', 0)
    await tab.waitForTimeout(500)
    const atA = await shot(tab, SCENE)
    const share = await drawnShare(tab, SCENE)
    assert.ok(share > 0.1 && share < 0.6, `the face covers ${share} of the scene`)
    await slide(tab, 'A to B', 1)
    await tab.waitForTimeout(500)
    const atB = await shot(tab, SCENE)
    assert.ok((await changedShare(atA, atB)) > 0.02, 'the face moves')
    await tab.getByLabel('Head motion').uncheck()
    await tab.waitForTimeout(500)
    assert.ok(
      (await changedShare(atB, await shot(tab, SCENE))) > 0.005,
      'without head motion it moves otherwise',
    )
    await tab.getByLabel('Head motion').check()
    await tab.locator('input[value=dense]').check()
    await tab.waitForTimeout(800)
    const dense = await shot(tab, SCENE)
    assert.ok((await changedShare(atB, dense)) < 0.1, 'mesh and surface with the photo look alike')
    await tab.getByLabel('Colour').selectOption('depth')
    await tab.getByLabel('Arrows').check()
    await tab.waitForTimeout(800)
    assert.ok(
      (await changedShare(dense, await shot(tab, SCENE))) > 0.1,
      'depth change has colours of its own',
    )
    await tab.locator('canvas.stage').focus()
    const before = await shot(tab, SCENE)
    for (let i = 0; i < 4; i++) await tab.keyboard.press('ArrowRight')
    await tab.waitForTimeout(500)
    assert.ok((await changedShare(before, await shot(tab, SCENE))) > 0.05, 'keys turn it')
    await tab.getByText('Pictures of this result').click()
    await tab.waitForFunction(() => {
      const image = document.querySelector<HTMLImageElement>('.gallery img')
      return image !== null && image.naturalWidth > 500
    })
    assert.deepEqual([...new Set(shown.asked)], [shown.origin])
    assert.equal((await shown.end()).code, 130)
  })

  it('says what to do where the GPU process ended', async () => {
    const shown = await open(pair)
    await shown.tab.getByRole('button', { name: 'Pause' }).click()
    killGpu(browser)
    await shown.tab.waitForSelector('.status.error')
    assert.match(await shown.status(), /GPU process ended.*reload the page/)
    // It is this page that stays.
    await shown.tab.waitForTimeout(5000)
    await shown.tab.reload()
    await shown.tab.waitForSelector('.viewer[data-shown]')
    assert.ok((await drawnShare(shown.tab, SCENE)) > 0.1)
    await shown.end()
  })

  it('fits 390 px, dark, and says that pictures stay', async () => {
    const shown = await open(pair)
    await shown.tab.setViewportSize({ width: 390, height: 844 })
    await shown.tab.emulateMedia({ colorScheme: 'dark' })
    await shown.tab.waitForTimeout(500)
    assert.equal(await overflow(shown.tab), 0)
    assert.match((await shown.tab.locator('.private').textContent()) ?? '', /never leave this machine/)
    assert.ok((await drawnShare(shown.tab, SCENE)) > 0.1)
    await shown.end()
  })

  /** The result with something else in place of a file, or without it. */
  async function changed(name: string, content: string | Uint8Array | null): Promise<string> {
    const copy = await mkdtemp(join(folder, 'changed-'))
    await cp(pair, copy, { recursive: true })
    if (content === null) await rm(join(copy, name))
    else await writeFile(join(copy, name), content)
    return copy
  }

  it('without flow.npy moves the mesh and says why there is no surface', async () => {
    const shown = await open(await changed('flow.npy', null))
    assert.match((await shown.tab.locator('.warnings').textContent()) ?? '', /has no flow\.npy/)
    assert.ok(await shown.tab.locator('input[value=dense]').isDisabled())
    await shown.end()
  })

  for (const [what, name, content, said] of [
    ['without motion.glb', 'motion.glb', null, /no motion\.glb; run the command without --only/],
    ['with a damaged motion.glb', 'motion.glb', 'glTF no more', /motion\.glb is damaged/],
    ['of another format', 'result.json', '{"format":99,"files":[]}', /format 1/],
    ['with a flow of another size', 'flow.npy', 'no npy', /flow\.npy: is not an npy file/],
  ] as const) {
    it(`${what} says so`, async () => {
      const shown = await open(await changed(name, content))
      assert.match(await shown.status(), said)
      await shown.end()
    })
  }
})

it('a video has a time line, curves, and a face that follows', async () => {
  const frames = join(folder, 'frames')
  await cp('test/fixtures/eval/real', frames, {
    recursive: true,
    filter: (path) => !/turn|talk-0[3-6]/.test(path),
  })
  const video = join(folder, 'video')
  await command('video', frames, '-o', video, '--weights', 'dffnet-m-small', '-q').catch(() => undefined)
  const shown = await open(video)
  const { tab } = shown
  assert.equal(await shown.status(), '')
  await tab.getByRole('button', { name: 'Pause' }).click()
  await slide(tab, 'Frame', 0)
  await tab.waitForTimeout(1000)
  const first = await shot(tab, SCENE)
  assert.ok((await drawnShare(tab, SCENE)) > 0.1)
  await slide(tab, 'Frame', 2)
  await tab.waitForTimeout(2000)
  assert.ok((await changedShare(first, await shot(tab, SCENE))) > 0.005, 'the face moves')
  assert.match((await tab.locator('.timeline').textContent()) ?? '', /Frame 2: followed/)
  assert.match((await tab.locator('.legend').first().textContent()) ?? '', /yaw -?\d/)
  await shown.end()
})
