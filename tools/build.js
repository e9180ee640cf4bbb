// Compiles the package to dist, once: where dist is what these very sources gave, it stays. Several commands build before
// they start, npm pack among them.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { digestOf } from './digest.js'

const STAMP = 'dist/.built'
// The last one says which compilers and types are installed.
const SOURCES = [
  'src',
  'kernels',
  'weights',
  'tools',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'node_modules/.package-lock.json',
]
const OUTPUTS = ['dist/src', 'dist/browser']

/** @param {string} sources */
const stampOf = (sources) => `${sources} ${digestOf(OUTPUTS)}\n`

function stamped() {
  try {
    return readFileSync(STAMP, 'utf8')
  } catch {
    return undefined
  }
}

// Before they are compiled: what is edited meanwhile is compiled next time.
const sources = digestOf(SOURCES)
if (stamped() !== stampOf(sources)) {
  rmSync('dist', { recursive: true, force: true })
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  for (const program of [[tsc, '-p', 'tsconfig.build.json'], ['tools/build-browser.js']]) {
    try {
      execFileSync(process.execPath, program, { stdio: 'inherit' })
    } catch {
      // It has said what is wrong.
      process.exit(1)
    }
  }
  writeFileSync(STAMP, stampOf(sources))
}
