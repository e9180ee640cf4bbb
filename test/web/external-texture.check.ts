import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Browser, type FileServer, FLAGS, openBrowser, ROOT, serve } from './chromium.js'

/* Pictures of videos that never leave the device, in Chromium. */

const FRAMES = ['test/fixtures/eval/rendered/000-1.png', 'test/fixtures/eval/rendered/000-2.png']
const PAGE = '<!doctype html><link rel="icon" href="data:,"><title>deepfaceflow</title>'
const HEAD = `const dff = await import('/dist/browser/index.js')
const { Engine } = await import('/dist/browser/engine.js')
const pictures = await Promise.all(${JSON.stringify(FRAMES)}.map(async (path) =>
  createImageBitmap(await (await fetch('/' + path)).blob())))
const frameOf = (picture) => new VideoFrame(picture, { timestamp: 0 })
`

/** Chromium imports pictures where the page's own drawing is on the GPU too, here on the software one, which it must share with WebGPU. */
const DRAWING = [
  '--enable-unsafe-swiftshader',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--ignore-gpu-blocklist',
]

let server: FileServer
let browser: Browser

before(async () => {
  server = await serve({ '': ROOT }, { '/page': PAGE })
  browser = await openBrowser([...FLAGS, ...DRAWING])
  await browser.page.goto(`${server.url}page`)
  await inPage(`globalThis.engine = await Engine.open()
    globalThis.faceFlow = await dff.DeepFaceFlow.create({ engine, weights: 'dffnet-m-small', depth: 'network', refinement: 'none' })`)
})
after(async () => {
  await browser?.close()
  await server?.close()
})

async function inPage<T>(body: string): Promise<T> {
  return (await browser.page.evaluate(`(async () => { ${HEAD} ${body} })()`)) as T
}

describe('GPUExternalTexture', () => {
  it('of VideoFrames gives the flow of these VideoFrames', async () => {
    const worst = await inPage<{ pixels: number; flow: number }>(`
      const frames = pictures.map(frameOf)
      const imported = frames.map((source) => engine.device.importExternalTexture({ source }))
      const given = faceFlow.flowRegistered(...imported, { backward: false })
      const result = await given
      const expected = await faceFlow.flowRegistered(...frames, { backward: false })
      for (const frame of frames) frame.close()
      const most = (a, b) => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0)
      return {
        pixels: most(result.registeredA.data, expected.registeredA.data),
        flow: most(result.flow, expected.flow),
      }`)
    assert.deepEqual(worst, { pixels: 0, flow: 0 })
  })

  it('of a playing video is copied before the call returns', async () => {
    const result = await inPage<{ pixels: number }>(`
      const canvas = Object.assign(document.createElement('canvas'), { width: 224, height: 224 })
      const context = canvas.getContext('2d')
      context.drawImage(pictures[0], 0, 0)
      const video = Object.assign(document.createElement('video'), { muted: true, srcObject: canvas.captureStream(10) })
      const redraw = setInterval(() => context.drawImage(pictures[0], 0, 0), 50)
      await video.play()
      await new Promise((done) => video.requestVideoFrameCallback(done))
      const source = engine.device.importExternalTexture({ source: video })
      const shown = new VideoFrame(video)
      const given = faceFlow.flowRegistered(source, source, { backward: false })
      await new Promise((done) => setTimeout(done, 200))
      clearInterval(redraw)
      const { registeredA } = await given
      const expected = await faceFlow.flowRegistered(shown, shown, { backward: false })
      shown.close()
      return { pixels: registeredA.data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected.registeredA.data[i])), 0) }`)
    // Two ways from the video's colours to sRGB, each rounded.
    assert.ok(result.pixels <= 2, `pixels differ by ${result.pixels}`)
  })

  it('that has ended, goes to an output, or has no size to be scaled to is refused', async () => {
    const errors = await inPage<{ code: string; message: string }[]>(`
      const errors = []
      const refused = async (call) => {
        try { await call() } catch (error) { errors.push({ code: error.code, message: error.message }); return }
        errors.push({ code: 'none', message: '' })
      }
      const ended = frameOf(pictures[0])
      const external = engine.device.importExternalTexture({ source: ended })
      ended.close()
      await new Promise((done) => setTimeout(done, 50))
      await refused(() => faceFlow.flowRegistered(external, pictures[1]))
      await refused(() => faceFlow.flow(external, pictures[1]))
      await refused(() => faceFlow.flowOnDevice(pictures[0], pictures[1], { flow: external }))
      await refused(async () => engine.copyPicture(pictures[0], 8, 8))
      await faceFlow.flowRegistered(pictures[0], pictures[1], { backward: false })
      return errors`)
    const [ended, photo, output, none] = errors
    assert.equal(ended?.code, 'INVALID_BUFFER')
    assert.match(
      ended?.message ?? '',
      /import the GPUExternalTexture from this engine's device in the same task/,
    )
    assert.equal(photo?.code, 'INVALID_ARGUMENT')
    assert.match(photo?.message ?? '', /GPUExternalTexture.*give/)
    assert.equal(output?.code, 'INVALID_ARGUMENT')
    assert.match(output?.message ?? '', /read only/)
    assert.equal(none?.code, 'INVALID_ARGUMENT')
  })
})
