import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import sharp from 'sharp'
import { DeepFaceFlow, drawOverview } from '../../src/index.js'
import {
  type Browser,
  bytesOf,
  type FileServer,
  FLAGS,
  killGpu,
  openBrowser,
  ROOT,
  serve,
} from './chromium.js'
import { PAGE, inPage as runInPage, thrown as thrownInPage } from './in-page.js'

/*
 * The package in Chromium, on the software adapter that it brings, against Node on the same one: npm run test:web.
 */

const PHOTOS = ['demo/franck_02221.jpg', 'demo/franck_04117.jpg'] as const
const EVAL = ['rendered/000', 'rendered/004', 'photowarp/001', 'photowarp/003'].map(
  (name) => [1, 2].map((side) => `test/fixtures/eval/${name}-${side}.png`) as [string, string],
)
const FIELDS = ['flow', 'mask', 'meshA', 'meshB', 'confidence', 'pncc', 'residual'] as const

let server: FileServer
let browser: Browser

before(async () => {
  server = await serve({ '': ROOT }, { '/page': PAGE })
  browser = await openBrowser()
  await browser.page.goto(`${server.url}page`)
})
after(async () => {
  await browser?.close()
  await server?.close()
})

const inPage = <T>(body: string, from: Pick<Browser, 'page'> = browser) => runInPage<T>(body, from)
const thrown = (body: string, from: Pick<Browser, 'page'> = browser) => thrownInPage(body, from)

describe('the same bits as Node', () => {
  let node: DeepFaceFlow
  before(async () => {
    node = await DeepFaceFlow.create({ adapter: 'embedded' })
  })
  after(() => node.dispose())

  it('two JPEG files to flow', async () => {
    await inPage(`globalThis.faceFlow = await dff.DeepFaceFlow.create()
      globalThis.result = await faceFlow.flow(${JSON.stringify(PHOTOS[0])}, ${JSON.stringify(PHOTOS[1])})`)
    const own = await node.flow(join(ROOT, PHOTOS[0]), join(ROOT, PHOTOS[1]))
    for (const field of FIELDS) {
      const array = own[field] as Float32Array
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      assert.deepEqual(Buffer.from(await bytesOf(browser.page, `result.${field}`)), Buffer.from(bytes), field)
    }
  })

  it('registered pairs of the evaluation sets', async () => {
    for (const [a, b] of EVAL) {
      await inPage(`globalThis.pair = await faceFlow.flowRegistered('${a}', '${b}', { backward: false })`)
      const { flow } = await node.flowRegistered(join(ROOT, a), join(ROOT, b), { backward: false })
      assert.deepEqual(Buffer.from(await bytesOf(browser.page, 'pair.flow')), Buffer.from(flow.buffer), a)
    }
  })

  it('in a module worker', async () => {
    const [a, b] = EVAL[0] as [string, string]
    const script = `const dff = await import('${server.url}dist/browser/index.js')
      const faceFlow = await dff.DeepFaceFlow.create({ weights: 'dffnet-m-small', depth: 'network', refinement: 'none' })
      const at = (file) => '${server.url}' + file
      const { flow } = await faceFlow.flowRegistered(at('${a}'), at('${b}'), { backward: false })
      faceFlow.dispose()
      postMessage(flow)`
    await inPage(`const source = URL.createObjectURL(new Blob([${JSON.stringify(script)}], { type: 'text/javascript' }))
      const worker = new Worker(source, { type: 'module' })
      globalThis.fromWorker = await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => reject(new Error(message))
      })
      worker.terminate()`)
    const small = await DeepFaceFlow.create({
      adapter: 'embedded',
      weights: 'dffnet-m-small',
      depth: 'network',
      refinement: 'none',
    })
    const { flow } = await small.flowRegistered(join(ROOT, a), join(ROOT, b), { backward: false })
    small.dispose()
    assert.deepEqual(Buffer.from(await bytesOf(browser.page, 'fromWorker')), Buffer.from(flow.buffer))
  })

  it('the overview, but for the edges of what is drawn', async () => {
    const size = await inPage<number[]>(`globalThis.overview = await dff.drawOverview(result)
      const png = await dff.encodePng(overview)
      return [overview.width, overview.height, png[1]]`)
    const [a, b] = [join(ROOT, PHOTOS[0]), join(ROOT, PHOTOS[1])]
    const own = await drawOverview(await node.flow(a, b))
    assert.deepEqual(size, [own.width, own.height, 'P'.charCodeAt(0)])
    const pixels = await bytesOf(browser.page, 'overview.data')
    const difference = pixels.reduce((sum, value, i) => sum + Math.abs(value - (own.data[i] as number)), 0)
    // Grey levels, over all; text and lines have other edges, and photos are enlarged by another kernel.
    assert.ok(difference / pixels.length < 3, `${difference / pixels.length}`)
  })

  it('after the GPU process was killed and the face level recovered', async () => {
    const [a, b] = EVAL[0] as [string, string]
    const own = await node.flowRegistered(join(ROOT, a), join(ROOT, b), { backward: false })
    killGpu(browser)
    const call = `await faceFlow.flowRegistered('${a}', '${b}', { backward: false })`
    const lost = await thrown(`for (let i = 0; i < 20; i++) ${call}`)
    assert.equal(lost.code, 'DEVICE_LOST')
    await inPage(`for (let attempt = 0; ; attempt++) {
        try { await faceFlow.recover(); break } catch (error) {
          if (attempt === 10) throw error
          await new Promise((resolve) => setTimeout(resolve, 1000))
        }
      }
      globalThis.pair = ${call}`)
    assert.deepEqual(Buffer.from(await bytesOf(browser.page, 'pair.flow')), Buffer.from(own.flow.buffer))
    await inPage('faceFlow.dispose()')
  })
})

describe('what is given as a photo', () => {
  it('may be anything that a browser draws or decodes, pixel for pixel', async () => {
    const different = await inPage<string[]>(`
      const address = '${PHOTOS[0]}'
      const blob = await (await fetch(address)).blob()
      const bitmap = await createImageBitmap(blob)
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      const context = canvas.getContext('2d')
      context.drawImage(bitmap, 0, 0)
      const element = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height })
      element.getContext('2d').drawImage(bitmap, 0, 0)
      const image = Object.assign(new Image(), { src: address })
      await image.decode()
      const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height)
      const bytes = new Uint8Array(await blob.arrayBuffer())
      const given = { URL: new URL(address, location.href), blob, bytes, bitmap, canvas, element, image, pixels,
        file: new File([blob], 'a.jpg'), buffer: bytes.buffer, frame: new VideoFrame(canvas, { timestamp: 0 }) }
      const wanted = await dff.decodePhoto(address)
      const different = []
      for (const [name, photo] of Object.entries(given)) {
        const { width, height, data } = await dff.decodePhoto(photo)
        const same = width === wanted.width && height === wanted.height && data.every((v, i) => v === wanted.data[i])
        if (!same) different.push(name)
      }
      return different`)
    assert.deepEqual(different, [])
  })

  it('may be a video that plays, at the moment of the call', async () => {
    const { empty, grey } = await inPage<{ empty: string; grey: number[] }>(`
      const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 })
      const context = canvas.getContext('2d')
      const paint = (colour) => { context.fillStyle = colour; context.fillRect(0, 0, 320, 240) }
      paint('#808080')
      const video = Object.assign(document.createElement('video'), { muted: true })
      let empty
      try { await dff.decodePhoto(video) } catch (error) { empty = error.message }
      video.srcObject = canvas.captureStream(30)
      const timer = setInterval(() => paint('#808080'), 20)
      await video.play()
      const { data } = await dff.decodePhoto(video)
      clearInterval(timer)
      return { empty, grey: [...data.slice(4 * 320 * 120, 4 * 320 * 120 + 4)] }`)
    assert.match(empty, /the HTMLVideoElement: shows nothing yet; wait until it is loaded/)
    assert.ok(
      grey.slice(0, 3).every((value) => Math.abs(value - 128) < 6),
      String(grey),
    )
  })

  it('may be an animated GIF: its first frame', async () => {
    const frames = ['#ff0000', '#0000ff'].map((background) => ({
      create: { width: 40, height: 40, channels: 3 as const, background },
    }))
    const pages = await Promise.all(frames.map((frame) => sharp(frame).png().toBuffer()))
    const gif = await sharp(pages, { join: { animated: true } })
      .gif({ delay: [20, 20] })
      .toBuffer()
    const pixel =
      await inPage(`const bytes = Uint8Array.from(atob('${gif.toString('base64')}'), (c) => c.charCodeAt(0))
      const { width, height, data } = await dff.decodePhoto(bytes)
      return [width, height, ...data.slice(0, 4)]`)
    assert.deepEqual(pixel, [40, 40, 255, 0, 0, 255])
  })

  it('may be a canvas that a worker draws, once it has drawn', async () => {
    const { before, after } = await inPage<{ before: string; after: number[] }>(`
      const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
      const surface = canvas.transferControlToOffscreen()
      let before
      try { await dff.decodePhoto(canvas) } catch (error) { before = error.message }
      const script = 'onmessage = ({ data }) => { const c = data.getContext("2d"); c.fillStyle = "#f00";' +
        'c.fillRect(0, 0, 64, 64); requestAnimationFrame(() => postMessage(0)) }'
      const worker = new Worker(URL.createObjectURL(new Blob([script])))
      await new Promise((resolve) => { worker.onmessage = resolve; worker.postMessage(surface, [surface]) })
      await new Promise((resolve) => setTimeout(resolve, 500))
      const { data } = await dff.decodePhoto(canvas)
      worker.terminate()
      return { before, after: [...data.slice(0, 4)] }`)
    assert.match(
      before,
      /the HTMLCanvasElement: shows nothing: every pixel is transparent; .* new owner has drawn/,
    )
    assert.deepEqual(after, [255, 0, 0, 255])
  })

  it('is refused by a typed error that says what it is', async () => {
    const jpeg = `new Uint8Array(await (await fetch('${PHOTOS[0]}')).arrayBuffer())`
    const cases: [string, string, RegExp][] = [
      [
        'new Blob([new Uint8Array([73, 73, 42, 0, 8, 0, 0, 0])])',
        'INVALID_INPUT',
        /is TIFF .* save it as JPEG or PNG/,
      ],
      [`(${jpeg}).slice(0, 9000)`, 'INVALID_INPUT', /damaged or incomplete/],
      ["new Blob(['hello'])", 'INVALID_INPUT', /cannot be decoded/],
      [
        `new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>'], { type: 'image/svg+xml' })`,
        'INVALID_INPUT',
        /is SVG or other XML, .* save it as JPEG or PNG/,
      ],
      [
        '(() => { const frame = new VideoFrame(new Uint8Array(64 * 64 * 4), { format: "RGBX", codedWidth: 64, codedHeight: 64, timestamp: 0 }); frame.close(); return frame })()',
        'INVALID_INPUT',
        /the VideoFrame: shows nothing yet; .* not closed/,
      ],
      [
        "(() => { const url = URL.createObjectURL(new Blob(['x'])); URL.revokeObjectURL(url); return url })()",
        'INVALID_INPUT',
        /^image data: its blob: address gives nothing: it was revoked.*; give the Blob/,
      ],
      [
        '(() => { const canvas = new OffscreenCanvas(64, 64); canvas.getContext("webgl2"); return canvas })()',
        'INVALID_INPUT',
        /the OffscreenCanvas: shows nothing: every pixel is transparent; draw on it first/,
      ],
      ["'none.jpg'", 'INVALID_INPUT', /none\.jpg: cannot be fetched \(HTTP 404\)/],
      ['new Float32Array(4)', 'INVALID_ARGUMENT', /Float32Array; give an address/],
      ['new OffscreenCanvas(8, 8)', 'INVALID_INPUT', /8x8 pixels, less than the minimum of 32x32/],
    ]
    for (const [photo, code, message] of cases) {
      const error = await thrown(`await dff.decodePhoto(${photo})`)
      assert.equal(error.code, code, photo)
      assert.match(error.message, message)
    }
  })
})

describe('what is missing is told apart', () => {
  const create = "await dff.DeepFaceFlow.create({ weights: 'dffnet-m-small' })"

  async function withScript(
    script: string,
    url = `${server.url}page`,
  ): Promise<{ error: Awaited<ReturnType<typeof thrown>> }> {
    const page = await browser.context.newPage()
    try {
      await page.addInitScript(script)
      server.sent.length = 0
      await page.goto(url)
      const error = await thrown(create, { ...browser, page })
      return { error }
    } finally {
      await page.close()
    }
  }

  it('no WebGPU in the browser: no weights are downloaded', async () => {
    const { error } = await withScript(
      "Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined })",
    )
    assert.deepEqual([error.name, error.code, error.reason], ['EngineError', 'NO_ADAPTER', 'no-webgpu'])
    assert.match(error.message, /navigator\.gpu is missing.*use a current Chrome/)
    assert.deepEqual(
      server.sent.filter(({ path }) => path.startsWith('/weights/')),
      [],
    )
  })

  it('no adapter', async () => {
    const { error } = await withScript('GPU.prototype.requestAdapter = async () => null')
    assert.deepEqual([error.code, error.reason], ['NO_ADAPTER', 'no-adapter'])
    assert.match(error.message, /gives no adapter.*chrome:\/\/gpu/)
  })

  it('a page that is not secure', async () => {
    const insecure = await openBrowser([...FLAGS, '--host-resolver-rules=MAP photos.test 127.0.0.1'])
    try {
      await insecure.page.goto(`${server.url.replace('127.0.0.1', 'photos.test')}page`)
      const error = await thrown(create, insecure)
      assert.deepEqual([error.code, error.reason], ['NO_ADAPTER', 'insecure-page'])
      assert.match(error.message, /serve it over https, or from localhost/)
    } finally {
      await insecure.close()
    }
  })

  it('a shader that the browser refuses', async () => {
    const { error } = await withScript(`const create = GPUDevice.prototype.createShaderModule
      GPUDevice.prototype.createShaderModule = function (of) {
        return create.call(this, { ...of, code: of.code + ' fn broken() -> u32 { return 1.5; }' })
      }`)
    assert.equal(error.code, 'INVALID_SHADER')
    assert.match(error.message, /\.wgsl/)
  })

  it('hardware: a software adapter works, with a warning that says how slow', () => {
    const warnings = browser.console.filter((line) => line.includes('DEEPFACEFLOW_SOFTWARE_ADAPTER'))
    assert.ok(warnings.length > 0)
    assert.match(warnings[0] as string, /runs WebGPU on the CPU .* takes about/)
  })
})

describe('a device of the page', () => {
  it('with the default limits and no feature is enough', async () => {
    const [a, b] = EVAL[0] as [string, string]
    const options = "weights: 'dffnet-m-small'"
    const difference = await inPage<number>(`
      const adapter = await navigator.gpu.requestAdapter()
      const device = await adapter.requestDevice()
      const plain = await dff.DeepFaceFlow.create({ ${options}, device })
      const usual = await dff.DeepFaceFlow.create({ ${options} })
      const pair = ['${a}', '${b}', { backward: false }]
      const [x, y] = [await plain.flowRegistered(...pair), await usual.flowRegistered(...pair)]
      plain.dispose()
      usual.dispose()
      return x.flow.reduce((most, value, i) => Math.max(most, Math.abs(value - y.flow[i])), 0)`)
    // Other kernels, without subgroups: sums in another order.
    assert.ok(difference < 1e-3, `${difference} px`)
  })
})

describe('200 pairs', () => {
  it('leave the buffers of the engine and the memory of the page as they are', async () => {
    const [a, b] = EVAL[0] as [string, string]
    const session = await browser.context.newCDPSession(browser.page)
    const used = async () => {
      await session.send('HeapProfiler.collectGarbage')
      return (await session.send('Runtime.getHeapUsage')).usedSize
    }
    await inPage(`const { Engine } = await import('/dist/browser/engine.js')
      globalThis.engine = await Engine.open()
      globalThis.small = await dff.DeepFaceFlow.create({ engine, weights: 'dffnet-m-small', depth: 'network', refinement: 'none' })
      globalThis.frames = [await dff.decodePhoto('${a}'), await dff.decodePhoto('${b}')]`)
    const pairs = (count: number) =>
      inPage<{ buffers: number; bytes: number }>(`
        for (let i = 0; i < ${count}; i++) await small.flowRegistered(...frames, { backward: false })
        const { liveBuffers: buffers, liveBytes: bytes } = engine.stats
        return { buffers, bytes }`)
    const warm = await pairs(10)
    const before = await used()
    assert.deepEqual(await pairs(190), warm)
    const growth = (await used()) / before - 1
    assert.ok(growth < 0.05, `memory grew by ${(100 * growth).toFixed(1)} %`)
    await inPage('small.dispose(); engine.dispose()')
  })
})
