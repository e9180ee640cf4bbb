import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const require = createRequire(import.meta.url)
const binary = (name: string, file: string): string =>
  join(dirname(require.resolve(`${name}/package.json`)), file)

/** Runs a test runner on test/hosts/runners/. @returns what it printed */
async function runner(
  program: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', NODE_NO_WARNINGS: '1' }
  // vitest tells its own workers by these.
  for (const name of Object.keys(env)) if (/^(VITEST|TINYPOOL|NODE_OPTIONS)/.test(name)) delete env[name]
  const { stdout, stderr } = await run(process.execPath, [...flags, program, ...args], { env })
  return stdout + stderr
}

const WANTED = /5 passed/

it('works in the contexts of jest', async () => {
  const flags = ['--experimental-vm-modules']
  const args = ['-i', '--config', 'test/hosts/runners/jest.config.js']
  expect(await runner(binary('jest', 'bin/jest.js'), args, flags)).toMatch(WANTED)
})

it("works in the contexts of vitest's vmThreads", async () => {
  const args = ['run', '--config', 'test/hosts/runners/vitest.config.ts']
  expect(await runner(binary('vitest', 'vitest.mjs'), args)).toMatch(WANTED)
})

/** Every class that the language or the platform has as a global name. */
const isGlobalClass = (name: string): boolean =>
  typeof (globalThis as Record<string, unknown>)[name] === 'function'

it('tests nothing built in with instanceof', async () => {
  const found: string[] = []
  for (const entry of await readdir('src', { recursive: true })) {
    if (!entry.endsWith('.ts')) continue
    const code = (await readFile(join('src', entry), 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    for (const [, name = ''] of code.matchAll(/\binstanceof\s+(?:globalThis\.)?(\w+)/g)) {
      if (isGlobalClass(name) || name.startsWith('GPU')) found.push(`${entry}: ${name}`)
    }
  }
  expect(found).toEqual([])
})
