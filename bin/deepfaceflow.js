#!/usr/bin/env node
// Starts the compiled command line; compiles it first in a source clone that has not been built.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const entry = new URL('../dist/src/cli/index.js', import.meta.url)

if (!existsSync(entry)) build()
await import(entry.href)

function build() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  let compiler
  try {
    compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    fail('is not built and has no compiler here; run "npm install" in its folder first')
  }
  process.stderr.write('deepfaceflow: building (only needed once)\n')
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0 || !existsSync(entry)) fail("could not be built; the compiler's messages are above")
}

function fail(message) {
  process.stderr.write(`deepfaceflow: ${message}\n`)
  process.exit(8)
}
