import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve, sep } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'

/** Chromium on its own software adapter, and a server of files. */

export const ROOT = resolve(import.meta.dirname, '../..')

const CANDIDATES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** @throws Error that says how to install it */
function executable(): string {
  const found = CANDIDATES.find((path) => path !== undefined && existsSync(path))
  if (found !== undefined) return found
  throw new Error(
    'the browser tests need Chromium: apt-get install --no-install-recommends chromium, or set CHROMIUM to its path',
  )
}

/** WebGPU on SwiftShader, which Chromium brings; and no traffic of its own. */
export const FLAGS = [
  '--enable-unsafe-webgpu',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Browser {
  readonly context: BrowserContext
  readonly page: Page
  /** Its profile, which is named in the command line of each of its processes. */
  readonly profile: string
  /** What the page wrote to its console, and errors that nobody caught. */
  readonly console: string[]
  close(): Promise<void>
}

export async function openBrowser(flags: readonly string[] = FLAGS): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'dff-chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable(),
    headless: true,
    args: [...flags],
  })
  const page = context.pages()[0] ?? (await context.newPage())
  const lines: string[] = []
  page.on('console', (message) => lines.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.message}`))
  return {
    context,
    page,
    profile,
    console: lines,
    close: async () => {
      await context.close()
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** Kills the browser's GPU process. */
export function killGpu({ profile }: Browser): void {
  const gpu = readdirSync('/proc').find((id) => /^\d+$/.test(id) && isGpuProcess(id, profile))
  if (gpu === undefined) throw new Error('the GPU process is not found')
  process.kill(Number(gpu), 'SIGKILL')
}

function isGpuProcess(id: string, profile: string): boolean {
  try {
    const line = readFileSync(`/proc/${id}/cmdline`, 'utf8')
    return line.includes(profile) && line.includes('--type=gpu-process')
  } catch {
    return false
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
}

export interface FileServer {
  /** With a slash at its end. */
  readonly url: string
  /** Paths that were asked for, and bytes that were sent for each. */
  readonly sent: { readonly path: string; readonly bytes: number }[]
  close(): Promise<void>
}

/**
 * Serves folders.
 * @param mounts folder by the first part of its path; `''` is what everything else is looked for in
 * @param pages texts by path, before files
 */
export async function serve(
  mounts: Readonly<Record<string, string>>,
  pages: Readonly<Record<string, string>> = {},
): Promise<FileServer> {
  const sent: { path: string; bytes: number }[] = []
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const [, first = '', ...rest] = path.split('/')
    const mount = mounts[first]
    const base = mount ?? mounts[''] ?? ROOT
    const file = resolve(base, mount === undefined ? path.slice(1) || 'index.html' : rest.join('/'))
    const inside = file === base || file.startsWith(base + sep)
    const text = pages[path]
    const body = text ?? (inside ? await readFile(file).catch(() => undefined) : undefined)
    if (body === undefined) {
      response.writeHead(404).end()
      return
    }
    if (request.method !== 'HEAD') sent.push({ path, bytes: body.length })
    const type = TYPES[extname(path) || (text === undefined ? '' : '.html')]
    response.writeHead(200, {
      'content-type': type ?? 'application/octet-stream',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, sent, close: () => closed(server) }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((done) => server.close(() => done()))
}

/** Numbers of a page as it holds them, bit for bit. */
export async function bytesOf(page: Page, expression: string): Promise<Uint8Array> {
  const base64 = await page.evaluate(`(() => {
    const array = ${expression}
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    let text = ''
    for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
    return btoa(text)
  })()`)
  return new Uint8Array(Buffer.from(base64 as string, 'base64'))
}
