import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve, sep } from 'node:path'

/** Networks of others in a headless browser, on pictures of this machine: no request leaves it. */

/** What of playwright-core is used; the package is the peer folder's. */
interface Playwright {
  readonly chromium: {
    launch(options: { readonly executablePath: string; readonly args: readonly string[] }): Promise<{
      newPage(): Promise<{
        goto(url: string): Promise<unknown>
        waitForFunction(text: string): Promise<unknown>
        evaluate<T, A>(work: (argument: A) => T, argument: A): Promise<Awaited<T>>
      }>
      close(): Promise<void>
    }>
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.mjs': 'text/javascript',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
}

/**
 * Runs a page's `judge(url)` on each photo.
 * @param folder holds playwright-core and what the page imports below node_modules; served as the page's root
 * @param chromium path of the browser
 * @param module text of a module that sets `globalThis.judge`, a function of a picture's URL to what JSON can hold
 * @param photos absolute paths
 * @returns what `judge` says, by photo
 */
export async function judgeInPage<T>(
  folder: string,
  chromium: string,
  module: string,
  photos: readonly string[],
): Promise<T[]> {
  const root = resolve(folder)
  const playwright = createRequire(join(root, 'package.json'))('playwright-core') as Playwright
  const fileOf = (url: string): string | undefined => {
    const photo = /^\/photo\/(\d+)\./.exec(url)
    if (photo) return photos[Number(photo[1])]
    const file = resolve(root, `.${decodeURIComponent(url)}`)
    return file.startsWith(root + sep) ? file : undefined
  }
  const server = createServer((request, response) => {
    const url = (request.url ?? '/').split('?')[0] as string
    if (url === '/') {
      response
        .writeHead(200, { 'content-type': TYPES['.html'] })
        .end(`<!doctype html><script type="module">${module}</script>`)
      return
    }
    const file = fileOf(url)
    const bytes = file === undefined ? Promise.reject(new TypeError(url)) : readFile(file)
    bytes.then(
      (content) => response.writeHead(200, { 'content-type': TYPES[extname(file ?? '')] ?? '' }).end(content),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browser = await playwright.chromium.launch({ executablePath: chromium, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.goto(origin)
    await page.waitForFunction('globalThis.judge')
    const found: T[] = []
    for (const [i, photo] of photos.entries()) {
      found.push(
        await page.evaluate(
          (url: string) => (globalThis as unknown as { judge(url: string): Promise<T> }).judge(url),
          `${origin}/photo/${i}${extname(photo)}`,
        ),
      )
    }
    return found
  } finally {
    await browser.close()
    server.close()
  }
}
