import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // MediaPipe draws and samples with WebGL; without a GPU, on the same software renderer as our embedded adapter.
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
]

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
}

/** MediaPipe's solution in a browser of its own. */
export interface MediaPipe {
  run(): Promise<{ readonly ms: number; readonly cpuMs: number; readonly landmarks: readonly number[] }>
  close(): Promise<void>
}

/**
 * @param photo file that runs see
 * @throws Error if there is no Chromium (environment variable CHROMIUM, default /usr/bin/chromium)
 */
export async function openMediaPipe(root: string, photo: string): Promise<MediaPipe> {
  const server = await serve(root, { '/photo.jpg': await readFile(photo) })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const browserServer = await chromium.launchServer({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
  })
  const browser = await chromium.connect(browserServer.wsEndpoint())
  const pid = browserServer.process().pid ?? 0
  const page = await browser.newPage()
  await page.goto(`${origin}/front-end/page.html`)
  await page.waitForFunction('window.ready')
  await page.evaluate("window.load('/photo.jpg')")
  return {
    run: async () => {
      const before = cpuOfTree(pid)
      const [ms, landmarks] = (await page.evaluate('window.run()')) as [number, number[]]
      return { ms, cpuMs: cpuOfTree(pid) - before, landmarks }
    },
    close: async () => {
      await browser.close()
      await browserServer.close()
      server.close()
    },
  }
}

async function serve(root: string, extra: Readonly<Record<string, Buffer>>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
    const body = extra[path]
    const content = body === undefined ? readFile(join(root, path)) : Promise.resolve(body)
    content.then(
      (bytes) => {
        response
          .writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' })
          .end(bytes)
      },
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** Clock ticks of /proc a second, fixed by the kernel's interface. */
const TICK_MS = 10

/** Processor time of a process and all it started, ms. */
function cpuOfTree(root: number): number {
  const parents = new Map<number, { readonly parent: number; readonly ticks: number }>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      // The name in brackets may hold spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      parents.set(Number(entry), {
        parent: Number(fields[1]),
        ticks: Number(fields[11]) + Number(fields[12]),
      })
    } catch {
      // It ended meanwhile.
    }
  }
  const belongs = (pid: number): boolean => {
    if (pid === root) return true
    const parent = parents.get(pid)?.parent
    return parent !== undefined && parent > 1 && belongs(parent)
  }
  return [...parents].reduce((sum, [pid, { ticks }]) => sum + (belongs(pid) ? ticks * TICK_MS : 0), 0)
}
