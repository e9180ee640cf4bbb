import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { type Browser, type FileServer, openBrowser, ROOT, serve } from './chromium.js'
import { PAGE, inPage as runInPage, thrown as thrownInPage } from './in-page.js'

/** Weights in a page: downloaded, kept, checked. */

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

describe('weights', () => {
  const load = (options: string, network = 'dffnet-m-small') =>
    `const engine = await import('/dist/browser/engine.js')
     await engine.loadNetworkFiles('${network}', 'motion', ${options})`

  it('are downloaded once, with progress in bytes, and not again', async () => {
    const visit = async (other: Browser) => {
      await other.page.goto(`${server.url}page`)
      server.sent.length = 0
      const progress = await inPage<{ file: string; loaded: number; total: number; local: boolean }[]>(
        `const progress = []
         ${load('{ onDownload: (step) => progress.push(step) }', 'dffnet-m-small-8bit')}
         return progress`,
        other,
      )
      const bytes = server.sent.filter(({ path }) => path.startsWith('/weights/'))
      return { progress, bytes: bytes.reduce((sum, file) => sum + file.bytes, 0) }
    }
    const other = await openBrowser()
    try {
      const first = await visit(other)
      const files = new Map(first.progress.map((step) => [step.file, step]))
      assert.ok([...files.values()].every(({ loaded, total, local }) => loaded === total && !local))
      assert.equal(
        first.bytes,
        [...files.values()].reduce((sum, { total }) => sum + total, 0),
      )
      assert.ok(first.bytes <= 8_000_000, `${first.bytes} bytes`)
      assert.ok(first.progress.length > files.size, 'large files are reported as they arrive')
      const second = await visit(other)
      assert.equal(second.bytes, 0)
      assert.ok(second.progress.every(({ local }) => local))
    } finally {
      await other.close()
    }
  })

  it('are loaded without a cache where the browser keeps nothing, with one warning', async () => {
    const refused = "Promise.reject(new DOMException('the disk is full', 'QuotaExceededError'))"
    for (const script of [
      `CacheStorage.prototype.open = () => ${refused}`,
      `Cache.prototype.put = () => ${refused}`,
    ]) {
      const page = await browser.context.newPage()
      const warnings: string[] = []
      page.on('console', (message) => warnings.push(message.text()))
      try {
        await page.addInitScript(script)
        await page.goto(`${server.url}page`)
        const other = { ...browser, page }
        await inPage(load("{ weightsUrl: (file) => '/weights/' + file + '?uncached' }"), other)
        const said = warnings.filter((line) => line.includes('DEEPFACEFLOW_NOT_CACHED'))
        assert.equal(said.length, 1, script)
        assert.match(said[0] ?? '', /the disk is full.* every visit downloads them again; free space/)
      } finally {
        await page.close()
      }
    }
  })

  it('are right on a second visit without a network, and where the cache is damaged', async () => {
    const options = "{ weightsUrl: (file) => '/weights/' + file + '?offline' }"
    const names = 'const cache = await caches.open((await caches.keys())[0])\n'
    const own = "(await cache.keys()).filter(({ url }) => url.includes('?offline'))"
    await inPage(load(options))
    try {
      await browser.context.setOffline(true)
      await inPage(load(options))
      const never = await thrown(load("{ weightsUrl: (file) => '/weights/' + file + '?never' }"))
      assert.equal(never.code, 'INVALID_WEIGHTS')
      assert.match(never.message, /\?never: cannot be read \(the browser is offline\); connect and try again/)
    } finally {
      await browser.context.setOffline(false)
    }
    await inPage(`${names} for (const key of ${own}) {
      const { byteLength } = await (await cache.match(key)).arrayBuffer()
      await cache.put(key, new Response(new Uint8Array(byteLength)))
    }
    ${load(options)}
    for (const key of ${own}) {
      const bytes = new Uint8Array(await (await cache.match(key)).arrayBuffer())
      if (!bytes.some((byte) => byte !== 0)) throw new Error(key.url + ' is still damaged')
    }`)
  })

  it('whose download breaks off are refused by name', async () => {
    const broken = createServer((_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000, 'access-control-allow-origin': '*' })
      response.write(Buffer.alloc(1000), () => setTimeout(() => response.destroy(), 200))
    })
    await new Promise<void>((done) => broken.listen(0, '127.0.0.1', done))
    try {
      const { port } = broken.address() as AddressInfo
      const error = await thrown(load(`{ weightsUrl: 'http://127.0.0.1:${port}/' }`))
      assert.equal(error.code, 'INVALID_WEIGHTS')
      assert.match(
        error.message,
        /dffnet-m-small.*: cannot be read \(the connection ended after 1000 of \d+ bytes\); .* try again/,
      )
    } finally {
      broken.close()
    }
  })

  it('come from where the caller says, and must be the right ones', async () => {
    const wrong = await serve(
      { '': ROOT },
      { '/page': PAGE, '/weights/dffnet-m-small.safetensors': 'not the weights' },
    )
    try {
      await browser.page.goto(`${wrong.url}page`)
      const other = await thrown(load('{}'))
      assert.equal(other.code, 'INVALID_WEIGHTS')
      assert.match(other.message, /is not the file that belongs to this version/)
    } finally {
      await wrong.close()
      await browser.page.goto(`${server.url}page`)
    }
    const missing = await thrown(load("{ weightsUrl: 'nowhere/' }"))
    assert.equal(missing.code, 'INVALID_WEIGHTS')
    assert.match(missing.message, /nowhere\/.*safetensors: cannot be read \(HTTP 404\)/)
    await inPage(load("{ weightsUrl: (file) => '/weights/' + file }"))
  })

  it('are not downloaded further once the signal says so', async () => {
    const error = await thrown(`const controller = new AbortController()
      await caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))
      ${load(`{ weightsUrl: (file) => \`/weights/\${file}?again\`, signal: controller.signal, onDownload: () => controller.abort(new Error('enough')) }`)}`)
    assert.equal(error.message, 'enough')
  })
})
