import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, readdir, readFile, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build as esbuild } from 'esbuild'
import { createServer, preview, build as viteBuild } from 'vite'
import webpack from 'webpack'
import { readSafetensors } from '../../src/weights/safetensors.js'
import { type Browser, openBrowser, ROOT, serve } from './chromium.js'
import { installedProject, PROGRAM, type Project } from './project.js'

/*
 * The packed tarball in a project of a user: through the bundlers that pages and programs are made with, and the examples of
 * README and docs as they are printed.
 */

const HTML =
  '<!doctype html><link rel="icon" href="data:,"><title>app</title><script type="module" src="/main.js"></script>'

/** Of minified code, gzip. Face level: what an app pays that turns photos into flow. */
const BUDGETS = {
  "export { DeepFaceFlow } from 'deepfaceflow'": 150_000,
  "export { Engine, GraphBuilder } from 'deepfaceflow/engine'": 110_000,
  "export { GraphBuilder } from 'deepfaceflow/engine'": 30_000,
}

let project: Project
let browser: Browser
let hash: string

before(async () => {
  project = await installedProject({
    'index.html': HTML,
    'check.js': PROGRAM,
    'main.js': "import { check } from './check.js'\nglobalThis.check = check\n",
    'program.js':
      "import { check } from './check.js'\ncheck().then((result) => console.log(JSON.stringify(result)))\n",
    'require.cjs': `const { DeepFaceFlow } = require('deepfaceflow')
const { Engine } = require('deepfaceflow/engine')
console.log(typeof DeepFaceFlow.create, typeof Engine.open)
`,
  })
  browser = await openBrowser()
  hash = await hashOf('dffnet-m-small')
})
after(async () => {
  await browser?.close()
  await project?.remove()
})

const RIGHT = { corner: 6, middle: 13.5, size: 224, create: 'function' }

function assertRight(result: unknown): void {
  assert.deepEqual(result, { ...RIGHT, hash })
}

async function hashOf(network: string): Promise<string> {
  return (await readSafetensors(join(ROOT, `weights/${network}.safetensors`))).hash
}

/** Opens a page that defines `check`, and calls it. */
async function checkAt(url: string, source = ''): Promise<void> {
  await browser.page.goto(url)
  await browser.page.waitForFunction('globalThis.check')
  assertRight(await browser.page.evaluate(`check(${source})`))
}

describe('Vite without configuration', () => {
  it('dev server', async () => {
    const server = await createServer({
      root: project.folder,
      server: { host: '127.0.0.1' },
      logLevel: 'error',
    })
    try {
      await server.listen()
      const address = server.httpServer?.address() as AddressInfo
      await checkAt(`http://127.0.0.1:${address.port}/`)
    } finally {
      await server.close()
    }
  })

  it('build and preview', async () => {
    await viteBuild({ root: project.folder, logLevel: 'error' })
    const server = await preview({ root: project.folder, preview: { host: '127.0.0.1' }, logLevel: 'error' })
    try {
      const { port } = server.httpServer.address() as AddressInfo
      await checkAt(`http://127.0.0.1:${port}/`)
      // As docs/browser.md says: what the page never asks for is deleted.
      const docs = await readFile(join(ROOT, 'docs/browser.md'), 'utf8')
      const [line = ''] = /^find dist .*$/m.exec(docs) ?? []
      await promisify(execFile)('sh', ['-c', line], { cwd: project.folder })
      const left = (await readdir(join(project.folder, 'dist/assets'))).filter((file) =>
        /safetensors$/.test(file),
      )
      assert.equal(left.length, 6)
      const small = await browser.page.evaluate("check(undefined, 'dffnet-m-small-8bit')")
      assert.deepEqual(small, { ...RIGHT, hash: await hashOf('dffnet-m-small-8bit') })
    } finally {
      await server.close()
    }
  })
})

describe('other bundlers', () => {
  it('esbuild, told where the weights are', async () => {
    const out = join(project.folder, 'esbuild')
    await esbuild({
      entryPoints: [join(project.folder, 'main.js')],
      outfile: join(out, 'main.js'),
      bundle: true,
      minify: true,
      format: 'esm',
      logLevel: 'error',
    })
    const server = await serve(
      { '': out, weights: join(project.folder, 'node_modules/deepfaceflow/weights') },
      { '/': HTML },
    )
    try {
      await checkAt(server.url, "{ weightsUrl: '/weights/' }")
    } finally {
      await server.close()
    }
  })

  it('webpack', async () => {
    const out = join(project.folder, 'webpack')
    await new Promise<void>((done, fail) => {
      webpack(
        {
          mode: 'production',
          context: project.folder,
          entry: './main.js',
          output: { path: out, filename: 'main.js' },
          performance: { hints: false },
        },
        (error, stats) => {
          if (error || stats?.hasErrors()) fail(error ?? new Error(stats?.toString()))
          else done()
        },
      )
    })
    const server = await serve({ '': out }, { '/': HTML })
    try {
      await checkAt(server.url)
    } finally {
      await server.close()
    }
  })

  it('keep within their size, minified and compressed', async () => {
    for (const [contents, budget] of Object.entries(BUDGETS)) {
      const { outputFiles, metafile } = await esbuild({
        stdin: { contents, resolveDir: project.folder },
        bundle: true,
        minify: true,
        format: 'esm',
        splitting: true,
        outdir: project.folder,
        entryNames: 'entry',
        metafile: true,
        absWorkingDir: project.folder,
        write: false,
      })
      // What is loaded at once: results that self-tests compare with come when one is made.
      const [entry] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint) ?? []
      const imported = metafile.outputs[entry ?? '']?.imports.filter(
        ({ kind }) => kind === 'import-statement',
      )
      const initial = [entry, ...(imported ?? []).map(({ path }) => path)].map((path) =>
        join(project.folder, path ?? ''),
      )
      const bytes = outputFiles
        .filter(({ path }) => initial.includes(path))
        .reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0)
      assert.ok(bytes > 10_000)
      console.log(`${contents}: ${(bytes / 1000).toFixed(1)} kB`)
      assert.ok(bytes < budget, `${contents}: ${bytes} bytes, more than ${budget}`)
    }
  })
})

describe('Node', () => {
  const node = async (args: readonly string[]): Promise<string> => {
    const env = { ...process.env, DEEPFACEFLOW_ADAPTER: 'embedded' }
    return (await promisify(execFile)('node', args, { cwd: project.folder, env })).stdout
  }

  for (const format of ['esm', 'cjs'] as const) {
    it(`a bundle in ${format} finds kernels and weights`, async () => {
      const outfile = join(project.folder, 'node-bundle', `program.${format === 'esm' ? 'mjs' : 'cjs'}`)
      await esbuild({
        entryPoints: [join(project.folder, 'program.js')],
        outfile,
        bundle: true,
        platform: 'node',
        format,
        // Native code.
        external: ['sharp', 'webgpu'],
        logOverride: { 'empty-import-meta': 'silent' },
        logLevel: 'error',
      })
      assertRight(JSON.parse(await node([outfile])))
    })
  }

  it('a CommonJS module may require it', async () => {
    assert.equal(await node(['require.cjs']), 'function function\n')
  })
})

describe('the browser example', () => {
  it('of README runs as it is printed', async () => {
    const text = await readFile(join(ROOT, 'README.md'), 'utf8')
    const content = [...text.matchAll(/```js\n([\s\S]*?)```/g)].find((match) =>
      match[1]?.includes('document'),
    )?.[1]
    assert.ok(content)
    const imports = { deepfaceflow: '/node_modules/deepfaceflow/dist/browser/index.js' }
    const page = `<!doctype html><script type="importmap">${JSON.stringify({ imports })}</script>
      <input type="file" multiple><canvas></canvas>`
    const server = await serve({ '': project.folder }, { '/': page })
    try {
      await browser.page.goto(server.url)
      const photos = ['franck_02221.jpg', 'franck_04117.jpg'].map((name) => join(ROOT, 'demo', name))
      await browser.page.setInputFiles('input', photos)
      await browser.page.addScriptTag({ type: 'module', content })
      await browser.page.waitForFunction("document.querySelector('canvas').width > 448", undefined, {
        timeout: 120_000,
      })
    } finally {
      await server.close()
    }
  })

  it('of docs/browser.md runs as it is printed', async () => {
    const text = await readFile(join(ROOT, 'docs/browser.md'), 'utf8')
    const html = /```html\n([\s\S]*?)```/.exec(text)?.[1]
    assert.ok(html)
    for (const [name, photo] of [
      ['a.jpg', 'franck_02221.jpg'],
      ['b.jpg', 'franck_04117.jpg'],
    ] as const) {
      await copyFile(join(ROOT, 'demo', photo), join(project.folder, name))
    }
    const server = await serve({ '': project.folder }, { '/': html })
    try {
      browser.console.length = 0
      await browser.page.goto(server.url)
      await browser.page.waitForFunction("document.querySelector('canvas')?.width > 448", undefined, {
        timeout: 120_000,
      })
      assert.match((await browser.page.textContent('body')) ?? '', /mean motion \d+\.\d px/)
      assert.deepEqual(
        browser.console.filter((line) => /^(error|uncaught)/.test(line) && !/favicon|404/.test(line)),
        [],
      )
    } finally {
      await server.close()
    }
  })
})

describe('what is packed', () => {
  it('holds the code for browsers, and no file that it does not name', async () => {
    const folder = join(project.folder, 'node_modules/deepfaceflow')
    const files = await readdir(join(folder, 'dist/browser'))
    assert.ok(files.includes('index.js') && files.includes('engine.js'))
    const code = await Promise.all(
      files
        .filter((file) => file.endsWith('.js'))
        .map((file) => readFile(join(folder, 'dist/browser', file), 'utf8')),
    )
    const named = code.join('\n').matchAll(/new URL\("(\.\.\/\.\.\/weights\/[^"]+)", import\.meta\.url\)/g)
    const weights = [...named].map(([, path]) => path as string)
    assert.ok(weights.length >= 8)
    for (const path of weights) assert.ok((await stat(join(folder, 'dist/browser', path))).size > 0)
  })
})
