import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { NodeIO } from '@gltf-transform/core'
import type { Download, Page } from 'playwright-core'
import sharp from 'sharp'
import { decodeFlo } from '../../src/io/flo.js'
import { decodeNpy } from '../../src/io/npy.js'
import { UnlitMaterials } from '../../src/io/unlit-materials.js'
import { type Browser, type FileServer, killGpu, openBrowser, ROOT, serve } from './chromium.js'
import { buildPage, changedShare, drawnShare, drop, overflow, pageFlags, shot, slide } from './page.js'

/** The page that computes: two photos by drop, live from a camera that plays a file, and what it says when something is missing. */

const LONG = { timeout: 240_000 }
const jpeg = async (path: string) => ({
  name: path.split('/').at(-1) as string,
  type: 'image/jpeg',
  bytes: await readFile(join(ROOT, path)),
})

let folder: string
let server: FileServer
let browser: Browser
let page: Page

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-page-'))
  // A camera of the browser plays JPEGs one after another.
  const camera = join(folder, 'camera.mjpeg')
  const frames = [0, 1, 2].map((n) => readFile(join(ROOT, `test/fixtures/eval/real/talk-0${n}.jpg`)))
  await writeFile(camera, Buffer.concat(await Promise.all(frames)))
  server = await serve({ '': await buildPage('app') })
  browser = await openBrowser(pageFlags(camera))
  await browser.context.grantPermissions(['camera', 'clipboard-read', 'clipboard-write'])
})
after(async () => {
  await browser?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})
afterEach(async () => {
  await page?.close()
})

async function open(tab: string, prepare?: () => void): Promise<string[]> {
  page = await browser.context.newPage()
  if (prepare) await page.addInitScript(prepare)
  const origins: string[] = []
  page.on('request', (request) => origins.push(new URL(request.url()).protocol + new URL(request.url()).host))
  await page.goto(`${server.url}index.html#${tab}`)
  return origins
}

async function contentOf(download: Download): Promise<Buffer> {
  return await readFile(await download.path())
}

async function save(name: string): Promise<Buffer> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name, exact: true }).click(),
  ])
  assert.equal(download.suggestedFilename(), name)
  return await contentOf(download)
}

/** Copies a picture, and pastes it with the keys. */
async function paste(png: Buffer): Promise<void> {
  await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    await navigator.clipboard.write([
      new ClipboardItem({ 'image/png': new Blob([bytes], { type: 'image/png' }) }),
    ])
  }, png.toString('base64'))
  await page.keyboard.press('Control+V')
}

/** Two faces beside each other, that on the left larger. @returns PNG and where the right half begins, px */
async function twoFaces(): Promise<{ png: Buffer; middle: number }> {
  const picture = (path: string) => sharp(join(ROOT, path))
  const large = await picture('demo/franck_01829.jpg').png().toBuffer({ resolveWithObject: true })
  const { width, height } = large.info
  const small = await picture('demo/franck_02221.jpg')
    .resize({ width: Math.round(0.75 * width) })
    .toBuffer()
  const png = await sharp({ create: { width: 2 * width, height, channels: 3, background: '#888' } })
    .composite([
      { input: large.data, left: 0, top: 0 },
      { input: small, left: width, top: 0 },
    ])
    .png()
    .toBuffer()
  return { png, middle: width }
}

describe('two photos', () => {
  it('dropped give flow, pictures, numbers under the pointer and the files of the command', async () => {
    const origins = await open('photos')
    // Each tab has a scene of its own, whichever was opened last.
    await page.getByRole('tab', { name: 'Live' }).click()
    await page.getByRole('tab', { name: 'Two photos' }).click()
    await drop(page, '.photos', [await jpeg('demo/franck_01829.jpg'), await jpeg('demo/franck_04117.jpg')])
    await page.waitForSelector('.photos .result:not([hidden]), .photos .error, .engine.error', LONG)
    assert.equal(await page.locator('.error').count(), 0)
    assert.equal(await page.locator('.boxes button').count(), 2)

    await page.waitForTimeout(1500)
    const atA = await shot(page, '.square')
    await slide(page, 'A to B', 1)
    await page.waitForTimeout(800)
    assert.ok((await changedShare(atA, await shot(page, '.square'))) > 0.02, 'A is warped to B')
    await slide(page, 'A to B', 0)
    await slide(page, 'Flow', 1)
    await page.waitForTimeout(800)
    assert.ok((await changedShare(atA, await shot(page, '.square'))) > 0.1, 'the flow is laid over it')
    assert.ok((await drawnShare(page, '.photos .scene')) > 0.1, 'there is a face in 3D')

    const flow = decodeNpy(await save('flow.npy'))
    assert.deepEqual(flow.shape, [224, 224, 3])
    const flo = decodeFlo(await save('flow.flo'))
    let sum = 0
    let count = 0
    for (let i = 0; i < 224 * 224; i++) {
      if (flo.mask[i] === 0) continue
      assert.equal(flo.flow[2 * i], flow.data[3 * i])
      sum += Math.hypot(...flow.data.subarray(3 * i, 3 * i + 3))
      count++
    }
    const json = JSON.parse((await save('result.json')).toString())
    assert.deepEqual(json.inputs, { a: 'franck_01829.jpg', b: 'franck_04117.jpg', registered: false })
    assert.ok(Math.abs(json.statistics.meanLength - sum / count) < 1e-3)
    assert.ok(sum / count > 3 && sum / count < 9, 'mean flow of this pair')
    const glb = await new NodeIO().registerExtensions([UnlitMaterials]).readBinary(await save('motion.glb'))
    assert.equal(
      glb.getRoot().listMeshes()[0]?.listPrimitives()[0]?.getAttribute('POSITION')?.getCount(),
      468,
    )
    assert.ok(((await sharp(await save('overview.png')).metadata()).width ?? 0) > 800)

    // Pixel (112, 112) of the frame.
    await slide(page, 'Flow', 0)
    const box = await page.locator('.square').boundingBox()
    if (!box) throw new Error('no picture')
    const at = (112.5 / 224) * box.width
    await page.locator('.square canvas').hover({ position: { x: at, y: at } })
    await page.waitForFunction(() =>
      /^\(112, 112\)/.test(document.querySelector('.read-out')?.textContent ?? ''),
    )
    const said = ((await page.locator('.read-out').first().textContent()) ?? '').replaceAll('−', '-')
    const numbers = [...said.matchAll(/d[xyz] ([+-][\d.]+)/g)].map((match) => Number(match[1]))
    const from = 3 * (112 * 224 + 112)
    numbers.forEach((value, axis) => {
      assert.ok(Math.abs(value - (flow.data[from + axis] as number)) <= 0.006, said)
    })

    await page.setViewportSize({ width: 390, height: 844 })
    assert.equal(await overflow(page), 0)
    assert.deepEqual(new Set(origins.filter((origin) => !/^(blob|data):/.test(origin))).size, 1)
  })

  it('pasted, with the face that was clicked, by the network that was chosen for all tabs', async () => {
    await open('photos')
    await page.getByLabel('Network').selectOption('dffnet-m-small-8bit')
    const { png, middle } = await twoFaces()
    await paste(png)
    await page.waitForSelector('.slot .boxes button, .error', LONG)
    assert.equal(await page.locator('.error').count(), 0)
    assert.match((await page.locator('.slot .note').first().textContent()) ?? '', /^2 faces; click/)
    await page.getByRole('button', { name: 'Face 2 of photo A' }).click()
    await paste(await sharp(join(ROOT, 'demo/franck_04117.jpg')).png().toBuffer())
    await page.waitForSelector('.photos .result:not([hidden]), .error', LONG)
    assert.equal(await page.locator('.error').count(), 0)
    const { faces, weights, inputs } = JSON.parse((await save('result.json')).toString())
    assert.deepEqual(inputs, { a: 'image.png', b: 'image.png', registered: false })
    assert.ok(faces.a.box.x > middle, JSON.stringify(faces.a.box))
    assert.match(JSON.stringify(weights), /dffnet-m-small-8bit/)
    await page.getByRole('tab', { name: 'Live' }).click()
    assert.equal(await page.locator('.live').getByLabel('Network').inputValue(), 'dffnet-m-small-8bit')
  })

  it('give their flow also where the GPU process dies on the way', async () => {
    await open('photos')
    const photos = [await jpeg('demo/franck_01829.jpg'), await jpeg('demo/franck_04117.jpg')]
    await drop(page, '.photos', photos)
    const isSaid = (said: string) =>
      page.waitForFunction(
        (text) => document.querySelector('.photos > .note')?.textContent?.startsWith(text),
        said,
        LONG,
      )
    await isSaid('Flow computed')
    const before = await save('flow.npy')
    await page.getByRole('button', { name: 'Face 1 of photo B' }).click()
    await isSaid('Computing')
    await page.waitForTimeout(200)
    killGpu(browser)
    await isSaid('Flow computed')
    assert.equal(await page.locator('.error').count(), 0)
    assert.ok(before.equals(await save('flow.npy')), 'the bits of before')
    assert.match((await page.locator('.engine').textContent()) ?? '', /GPU process ended.*reload the page/)
  })

  it('says what is wrong with a photo, beside it', async () => {
    await open('photos')
    const grey = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#888' } })
      .jpeg()
      .toBuffer()
    await drop(page, '.slot', [{ name: 'grey.jpg', type: 'image/jpeg', bytes: grey }])
    await page.waitForSelector('.slot .error', LONG)
    assert.match((await page.locator('.slot .error').textContent()) ?? '', /face/)
    await drop(page, '.slot', [{ name: 'broken.jpg', type: 'image/jpeg', bytes: grey.subarray(0, 50) }])
    await page.waitForFunction(() =>
      /broken\.jpg/.test(document.querySelector('.slot .error')?.textContent ?? ''),
    )
    await drop(page, '.slot', [{ name: 'a.txt', type: 'text/plain', bytes: Buffer.from('text') }])
    assert.match((await page.locator('.photos > .error').textContent()) ?? '', /no picture/)
  })

  it('without WebGPU says so, and what to use', async () => {
    // Workers have their own: what is missing is found out by the engine's.
    await browser.context.route('**/engine.worker*.js', async (route) => {
      const answer = await route.fetch()
      const body = `Object.defineProperty(navigator, 'gpu', { value: undefined });${await answer.text()}`
      await route.fulfill({ response: answer, body })
    })
    try {
      await open('photos')
      await drop(page, '.slot', [await jpeg('demo/franck_01829.jpg')])
      await page.waitForSelector('.engine.error', LONG)
      assert.match((await page.locator('.engine').textContent()) ?? '', /has no WebGPU.*use a current/)
    } finally {
      await browser.context.unroute('**/engine.worker*.js')
    }
  })
})

describe('live', () => {
  it('follows a face, draws it, and records an animated GLB and a table', async () => {
    await open('live')
    await page.getByLabel('Coefficients', { exact: true }).first().check()
    await page.getByRole('button', { name: 'Webcam' }).click()
    await page.waitForFunction(
      () => /^(Following|.*error)/.test(document.querySelector('.live > .note')?.textContent ?? ''),
      null,
      LONG,
    )
    await page.getByRole('button', { name: 'Record' }).click()
    await page.waitForTimeout(10_000)
    assert.match(
      (await page.locator('.live .read-out').textContent()) ?? '',
      /frames a second, \d+ left out\. A frame takes \d+ ms: GPU \d+ ms, CPU \d+ ms\./,
    )
    assert.ok((await drawnShare(page, '.live .scene')) > 0.1, 'there is a face in 3D')
    assert.ok((await drawnShare(page, '.live .map')) > 0.1, 'flow and depth change are drawn')
    const saved = new Map<string, Promise<Buffer>>()
    page.on('download', (download) => saved.set(download.suggestedFilename(), contentOf(download)))
    await page.getByRole('button', { name: 'Stop recording' }).click()
    await page.waitForFunction(() => /saved/.test(document.querySelector('.live > .note')?.textContent ?? ''))
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.waitForTimeout(500)
    const [head = '', ...rows] = String(await saved.get('live.csv'))
      .trimEnd()
      .split('\n')
    assert.match(head, /^frame,face_id,timestamp,.*pose_Ry,.*mean_flow/)
    assert.ok(
      rows.length > 1 && rows.slice(1).every((row) => /,(ok|regained|lost),/.test(row)),
      rows.join('\n'),
    )
    const [names = '', ...read] = String(await saved.get('live-expression.csv'))
      .trimEnd()
      .split('\n')
    assert.match(names, /^file,frame,time,status,.*jawOpen/)
    assert.equal(read.length, rows.length - 1)
    assert.ok((await page.locator('.coefficients meter').count()) > 20, 'coefficients are shown')
    const glb = await new NodeIO()
      .registerExtensions([UnlitMaterials])
      .readBinary((await saved.get('live.glb')) as Buffer)
    assert.ok((glb.getRoot().listAnimations()[0]?.listSamplers()[0]?.getInput()?.getCount() ?? 0) > 0)
  })

  it('moves a photo as the face before the camera does', async () => {
    await open('live')
    await page.locator('#moved-photo').setInputFiles(join(ROOT, 'test/fixtures/photos/faker_female_019.jpg'))
    await page.waitForFunction(() =>
      /consent/.test(document.querySelector('.live > .note')?.textContent ?? ''),
    )
    await page.getByRole('button', { name: 'Webcam' }).click()
    await page.waitForFunction(
      () => /^(Following|.*error|.*limit)/.test(document.querySelector('.live > .note')?.textContent ?? ''),
      null,
      LONG,
    )
    assert.ok((await drawnShare(page, '.live .moved')) > 0.5, 'the photo is drawn')
    assert.equal(await page.getByRole('button', { name: 'Record' }).isDisabled(), true)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
  })

  it('follows a dropped video from its beginning, however long the engine takes to open', async () => {
    const clip = join(folder, 'talk.webm')
    const frames = join(ROOT, 'test/fixtures/eval/real/talk-%02d.jpg')
    const encode = ['-framerate', '5', '-i', frames, '-vf', 'loop=5:7', '-c:v', 'libvpx', clip]
    await promisify(execFile)('ffmpeg', ['-v', 'error', ...encode])
    await open('live')
    await drop(page, '.live', [
      { name: 'none.webm', type: 'video/webm', bytes: Buffer.from('no video at all') },
    ])
    await page.waitForSelector('.live .error')
    assert.match(
      (await page.locator('.live .error').textContent()) ?? '',
      /none\.webm: .* cannot play it; give/,
    )
    await drop(page, '.live', [{ name: 'talk.webm', type: 'video/webm', bytes: await readFile(clip) }])
    await page.waitForFunction(
      () => /Following|over/.test(document.querySelector('.live > .note')?.textContent ?? ''),
      null,
      LONG,
    )
    assert.equal(await page.locator('.live > .note').textContent(), 'Following.')
  })

  for (const [name, said] of [
    ['NotFoundError', /There is no camera/],
    ['NotAllowedError', /was not allowed/],
  ] as const) {
    it(`says what to do about ${name}`, async () => {
      await open('live')
      await page.evaluate((error) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', error))
      }, name)
      await page.getByRole('button', { name: 'Webcam' }).click()
      await page.waitForSelector('.live .error')
      assert.match((await page.locator('.live .error').textContent()) ?? '', said)
    })
  }
})
