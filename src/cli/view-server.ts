import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FaceError } from '../index.js'
import type { ShownResult } from './view-folder.js'

/*
 * What `view` serves: the built page and one folder, to this machine only, to be read and never written. A result is pictures of
 * people, so the server trusts nobody for being local: other users of the machine do not know the random part of the address,
 * and web sites in the same browser are told apart by what browsers say of them.
 */

const HOST = '127.0.0.1'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.csv': 'text/csv; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
  '.glb': 'model/gltf-binary',
}

const HEADERS = {
  // Nothing is asked of another origin: not by the page, and not by a picture or text that got into the folder.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self' blob:; " +
    "worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  // The next `view` may show another folder at this address.
  'Cache-Control': 'no-store',
}

export interface ViewServer {
  readonly address: string
  close(): Promise<void>
}

/** What is served. */
export interface Served {
  /** Folder of the built page. */
  readonly page: string
  /** Folder of the results. */
  readonly folder: string
  readonly title: string
  readonly results: readonly ShownResult[]
}

/**
 * @param port 0 for a free one
 * @throws FaceError INVALID_ARGUMENT if the port is taken or not allowed
 */
export async function serveView(served: Served, port: number): Promise<ViewServer> {
  const secret = randomBytes(16).toString('hex')
  const [page, folder] = await Promise.all([realpath(served.page), realpath(served.folder)])
  const list = JSON.stringify({ title: served.title, results: served.results })
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => {
      // The reader went away, or the file did while it was read.
      if (response.headersSent) response.destroy()
      else refuse(response, 500, 'the file cannot be read')
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bound = (server.address() as { port: number }).port
    const { method = '', headers } = request
    // A name that a web site has pointed here (DNS rebinding) is not one of these.
    if (![`${HOST}:${bound}`, `localhost:${bound}`].includes(headers.host ?? '')) {
      return refuse(response, 421, `this server answers to ${HOST}:${bound} only`)
    }
    const from = headers['sec-fetch-site']
    if (from !== undefined && from !== 'same-origin' && from !== 'none') {
      return refuse(response, 403, 'other sites have nothing to read here')
    }
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      return refuse(response, 405, 'this server can only be read')
    }
    const segments = segmentsOf(request.url ?? '')
    if (segments === null || segments[0] !== secret || segments.length < 2) {
      return refuse(
        response,
        404,
        'there is nothing here; the whole address is the one that the command printed',
      )
    }
    const [, first = '', ...rest] = segments
    if (first === 'results.json' && rest.length === 0) {
      response.writeHead(200, { ...HEADERS, 'Content-Type': TYPES['.json'] })
      response.end(method === 'HEAD' ? undefined : list)
      return
    }
    if (first === 'result') return await sendFile(response, folder, rest, method)
    await sendFile(response, page, first === '' ? ['index.html'] : [first, ...rest], method)
  }

  await new Promise<void>((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      fail(
        new FaceError(
          'INVALID_ARGUMENT',
          `port ${port} cannot be used (${cause.code ?? cause.message}); leave --port out for a free one`,
          { port },
          { cause },
        ),
      ),
    )
    server.listen(port, HOST, () => done())
  })
  const bound = (server.address() as { port: number }).port
  return {
    address: `http://${HOST}:${bound}/${secret}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Parts of a path, decoded once; null for what no file of ours is called: hidden names, ways up, other separators. */
function segmentsOf(url: string): string[] | null {
  const path = url.split(/[?#]/, 1)[0] as string
  if (!path.startsWith('/')) return null
  try {
    const segments = path.slice(1).split('/').map(decodeURIComponent)
    const last = segments.length - 1
    const isPlain = segments.every(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
      (name, i) => !/[/\\:\x00-\x1f]/.test(name) && !name.startsWith('.') && (name !== '' || i === last),
    )
    return isPlain ? segments : null
  } catch {
    return null
  }
}

/** A file below `root`, without following a link out of it or anywhere. */
async function sendFile(
  response: ServerResponse,
  root: string,
  segments: readonly string[],
  method: string,
): Promise<void> {
  const path = join(root, ...segments)
  const missing = () => refuse(response, 404, `${segments.join('/')} is not there`)
  if (resolve(path) !== path || segments.length === 0) return missing()
  let file: Awaited<ReturnType<typeof open>>
  try {
    // Not to wait for the other end of a pipe that somebody put there.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return missing()
  }
  try {
    const info = await file.stat()
    if (!info.isFile() || (await realpath(path)) !== path) return missing()
    response.writeHead(200, {
      ...HEADERS,
      'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
      'Content-Length': info.size,
    })
    if (method === 'HEAD' || info.size === 0) response.end()
    // No further than the length that was announced: the file may grow meanwhile.
    else await pipeline(file.createReadStream({ autoClose: false, end: info.size - 1 }), response)
  } finally {
    await file.close()
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8' })
  response.end(`${reason}\n`)
}
