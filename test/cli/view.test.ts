import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EXIT } from '../../src/cli/exit-codes.js'
import { runCli } from '../../src/cli/program.js'
import { findResults } from '../../src/cli/view-folder.js'
import { serveView, type ViewServer } from '../../src/cli/view-server.js'
import { FakeFaceFlow, FakeTerminal } from '../support/fake-face-flow.js'
import { mouthOpening, syntheticResult } from '../support/synthetic.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-view-'))
  await mkdir(join(folder, 'page/assets'), { recursive: true })
  await mkdir(join(folder, 'out/flow'), { recursive: true })
  await writeFile(join(folder, 'secret.txt'), 'secret')
  await writeFile(join(folder, 'page/index.html'), '<!doctype html>')
  await writeFile(join(folder, 'page/assets/index.js'), 'export {}')
  await writeFile(join(folder, 'out/result.json'), '{}')
  await writeFile(join(folder, 'out/empty.csv'), '')
  await writeFile(join(folder, 'out/.deepfaceflow.lock'), 'hidden')
  await writeFile(join(folder, 'out/flow/000001_reference.npy'), 'npy')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the server of a folder', () => {
  let server: ViewServer
  beforeEach(async () => {
    server = await serveView(
      {
        page: join(folder, 'page'),
        folder: join(folder, 'out'),
        title: 'out',
        results: [{ name: '', kind: 'pair' }],
      },
      0,
    )
  })
  afterEach(() => server.close())

  /** The path as it is, which `fetch` and `URL` would tidy up. */
  function ask(
    path: string,
    options: { method?: string; headers?: Record<string, string>; host?: string } = {},
  ): Promise<{ status: number; text: string; headers: Record<string, unknown> }> {
    const { hostname, port, pathname } = new URL(server.address)
    return new Promise((done, fail) => {
      const { method = 'GET', headers = {}, host = hostname } = options
      request({ host, port, method, headers, path: `${pathname}${path}` }, (response) => {
        let text = ''
        response.on('data', (part) => {
          text += part
        })
        response.on('end', () => done({ status: response.statusCode ?? 0, text, headers: response.headers }))
      })
        .on('error', fail)
        .end()
    })
  }

  it('gives the page, the list of results and the files of the folder', async () => {
    expect(await ask('')).toMatchObject({ status: 200, text: '<!doctype html>' })
    expect(await ask('assets/index.js')).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    })
    expect(JSON.parse((await ask('results.json')).text)).toEqual({
      title: 'out',
      results: [{ name: '', kind: 'pair' }],
    })
    expect(await ask('result/result.json')).toMatchObject({
      status: 200,
      text: '{}',
      headers: { 'content-type': 'application/json', 'content-length': '2', 'cache-control': 'no-store' },
    })
    expect(await ask('result/flow/000001_reference.npy?again')).toMatchObject({ status: 200, text: 'npy' })
    expect(await ask('result/empty.csv')).toMatchObject({ status: 200, text: '' })
    expect(await ask('result/result.json', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect(await ask('result/missing.npy')).toMatchObject({ status: 404 })
  })

  it('says that the page may ask this server alone', async () => {
    const { headers } = await ask('')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*connect-src 'self' blob:/)
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  })

  it.each([
    'result/../secret.txt',
    'result/%2e%2e/secret.txt',
    'result/..%2fsecret.txt',
    'result/%2e%2e%2f%2e%2e%2fsecret.txt',
    'result/..\\secret.txt',
    'result/..%5csecret.txt',
    'result//etc/passwd',
    'result/%2fetc/passwd',
    'result/C:/secret.txt',
    'result/flow/../result.json',
    'result/result.json%00',
    'result/%',
    'result/flow',
    'result/',
    'result',
    'result/.deepfaceflow.lock',
    '../page/index.html',
    '%2e%2e/secret.txt',
    'assets',
    'results.json/x',
  ])('does not find %s', async (path) => {
    const { status, text } = await ask(path)
    expect(status).toBe(404)
    expect(text).not.toMatch(/secret\n|hidden|root:/)
  })

  it('follows no link, of file or folder, in the results or in the page', async () => {
    await symlink(join(folder, 'secret.txt'), join(folder, 'out/link.json'))
    await symlink(folder, join(folder, 'out/up'))
    await symlink(join(folder, 'out/result.json'), join(folder, 'out/inside.json'))
    await symlink(join(folder, 'secret.txt'), join(folder, 'page/link.js'))
    for (const path of ['result/link.json', 'result/up/secret.txt', 'result/inside.json', 'link.js']) {
      expect(await ask(path)).toMatchObject({ status: 404 })
    }
  })

  it('takes no name but its own for itself (DNS rebinding)', async () => {
    const { port } = new URL(server.address)
    for (const host of ['attacker.example', `attacker.example:${port}`, '127.0.0.1:1', 'localhost']) {
      const answer = await ask('result/result.json', { headers: { host } })
      expect(answer.status, host).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toBe('{}')
    }
    expect(await ask('', { headers: { host: `localhost:${port}` } })).toMatchObject({ status: 200 })
  })

  it.each(['cross-site', 'same-site'])('gives nothing to a page of another site (%s)', async (site) => {
    expect(await ask('result/result.json', { headers: { 'sec-fetch-site': site } })).toMatchObject({
      status: 403,
    })
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('does nothing for %s', async (method) => {
    expect(await ask('result/result.json', { method })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
  })

  it('needs the random part of the address', async () => {
    const { origin, pathname } = new URL(server.address)
    expect(pathname).toMatch(/^\/[0-9a-f]{32}\/$/)
    for (const path of ['/', '/result/result.json', `/${'0'.repeat(32)}/`, '//']) {
      expect((await fetch(`${origin}${path}`)).status).toBe(404)
    }
  })

  it('listens to this machine alone', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)
    if (outside) await expect(ask('', { host: outside.address })).rejects.toThrow(/ECONNREFUSED/)
    expect(new URL(server.address).hostname).toBe('127.0.0.1')
  })

  it('names a port that is taken', async () => {
    const { port } = new URL(server.address)
    await expect(
      serveView({ page: join(folder, 'page'), folder, title: '', results: [] }, Number(port)),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(port) })
  })
})

describe('what there is to look at', () => {
  it('finds a pair, a video, and folders of them in the order of their names', async () => {
    expect(await findResults(join(folder, 'out'))).toEqual({
      title: 'out',
      results: [{ name: '', kind: 'pair' }],
    })
    for (const name of ['many/pair 10', 'many/pair 9', 'many/clip', 'many/other']) {
      await mkdir(join(folder, name), { recursive: true })
    }
    await writeFile(join(folder, 'many/pair 10/result.json'), '{}')
    await writeFile(join(folder, 'many/pair 9/result.json'), '{}')
    await writeFile(join(folder, 'many/clip/frames.jsonl'), '')
    expect(await findResults(join(folder, 'many'))).toEqual({
      title: 'many',
      results: [
        { name: 'clip', kind: 'video' },
        { name: 'pair 9', kind: 'pair' },
        { name: 'pair 10', kind: 'pair' },
      ],
    })
  })

  it.each([
    ['nowhere', /nowhere: does not exist; give the folder/],
    ['secret.txt', /secret\.txt: is a file; give the folder that it lies in/],
    ['page', /page: holds no result \(result\.json of flow, batch and demo, frames\.jsonl of video\)/],
  ])('refuses %s', async (name, message) => {
    await expect(findResults(join(folder, name))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    })
  })
})

describe('the command', () => {
  const terminal = async () => new FakeTerminal(new FakeFaceFlow(await syntheticResult(mouthOpening)))

  it('says what is wrong with folder and port before it serves anything', async () => {
    const missing = await terminal()
    expect(await runCli(['view', join(folder, 'nowhere')], missing.context, false)).toBe(EXIT.input)
    expect(missing.err).toContain('does not exist')
    const port = await terminal()
    expect(await runCli(['view', folder, '--port', '70000'], port.context, false)).toBe(EXIT.usage)
    expect(port.err).toContain('give a port from 0 to 65535')
  })
})
