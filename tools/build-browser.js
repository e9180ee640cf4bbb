// Bundles what browsers load from the compiled package: dist/browser/index.js and engine.js, which share a chunk. The seam
// to the platform is exchanged for the browser's, and what the package ships is put into it: texts of the kernels, and
// sizes, hashes and places of the weights.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { build } from 'esbuild'

const OUT = 'dist/browser'
const SEAM = resolve('dist/src/platform/index.js')
const RESULTS = resolve('dist/src/platform/browser/self-test-results.js')
const SHIPPED = resolve('dist/src/platform/browser/shipped.js')

/** @type {{ version: string, files: string[] }} */
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

function kernels() {
  const files = readdirSync('kernels', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.wgsl'),
  )
  return Object.fromEntries(
    files.map((file) => [file.replaceAll('\\', '/'), compact(readFileSync(join('kernels', file), 'utf8'))]),
  )
}

/** Without comments and indentation, which say nothing to a compiler; line by line, as the preprocessor reads it. */
function compact(text) {
  return text
    .split('\n')
    .map((line) => (/^\s*#/.test(line) ? line : line.replace(/\/\/.*$/, '')).trim())
    .join('\n')
    .replace(/\n{2,}/g, '\n')
}

function weights() {
  const left = new Set(
    manifest.files.filter((file) => file.startsWith('!weights/')).map((file) => file.slice(9)),
  )
  return readdirSync('weights')
    .filter((file) => /\.(safetensors|json)$/.test(file) && !left.has(file))
    .map((file) => {
      const bytes = readFileSync(join('weights', file))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      // Written out: bundlers that copy files look for exactly this expression.
      const url = `() => new URL('${relative(OUT, join('weights', file)).replaceAll('\\', '/')}', import.meta.url)`
      return `  ${JSON.stringify(file)}: { bytes: ${bytes.length}, sha256: '${sha256}', url: ${url} },\n`
    })
    .join('')
}

function selfTest() {
  return JSON.stringify(JSON.parse(readFileSync('kernels/self-test.json', 'utf8')))
}

function shipped() {
  return `export const VERSION = ${JSON.stringify(manifest.version)}
export const KERNELS = ${JSON.stringify(kernels())}
export const WEIGHTS = {
${weights()}}
`
}

/** @type {import('esbuild').Plugin} */
const browserPlatform = {
  name: 'browser platform',
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /platform[\\/]index\.js$/ }, ({ path }) =>
      path === SEAM
        ? { contents: "export * from './browser/index.js'", resolveDir: resolve(SEAM, '..') }
        : undefined,
    )
    onLoad({ filter: /shipped\.js$/ }, ({ path }) => (path === SHIPPED ? { contents: shipped() } : undefined))
    onLoad({ filter: /self-test-results\.js$/ }, ({ path }) =>
      path === RESULTS
        ? { contents: `export const SELF_TEST_RESULTS = ${JSON.stringify(selfTest())}` }
        : undefined,
    )
    // Its text formats are Node's own; the library only reaches for it when it reads files.
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, external: true }))
  },
}

rmSync(OUT, { recursive: true, force: true })
await build({
  entryPoints: { index: 'dist/src/index.browser.js', engine: 'dist/src/engine.js' },
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  sourcemap: true,
  chunkNames: 'chunk-[hash]',
  legalComments: 'inline',
  plugins: [browserPlatform],
  logLevel: 'warning',
})
