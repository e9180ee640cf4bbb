import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { embeddedDriver } from '../../src/platform/node/embedded.js'
import { systemHasDrivers } from '../../src/platform/node/vulkan-loader.js'

/*
 * The kernels on a second implementation of WebGPU. Takes some minutes and an install of its own: npm run test:runtimes.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DENO = fileURLToPath(new URL('node_modules/deno/bin.cjs', import.meta.url))
const SCHEDULES = ['software', 'hardware']
const FLAGS = ['--allow-all', '--unstable-webgpu', '--unstable-sloppy-imports', '--node-modules-dir=manual']

interface Line {
  readonly caps?: { readonly subgroups: boolean }
  readonly kernel?: string
  readonly refused?: string
  readonly subgroups?: boolean
  readonly case?: string
  readonly schedule?: string
  readonly right?: boolean
}

/** wgpu asks for a Vulkan loader and a driver as Dawn does, but nobody finds the embedded ones for it. */
async function environment(): Promise<NodeJS.ProcessEnv> {
  if (process.platform !== 'linux' || systemHasDrivers()) return process.env
  const { manifest, loader } = await embeddedDriver()
  return { ...process.env, LD_LIBRARY_PATH: dirname(loader), VK_ICD_FILENAMES: manifest }
}

describe('wgpu', () => {
  let lines: Line[]
  before(async () => {
    const options = { cwd: ROOT, env: await environment(), maxBuffer: 2 ** 26 }
    // Side by side: compiling takes most of the time, and one core.
    const outputs = await Promise.all(
      SCHEDULES.map((schedule) => {
        const args = [DENO, 'run', ...FLAGS, 'test/runtimes/wgpu-cases.ts', schedule]
        return promisify(execFile)(process.execPath, args, options)
      }),
    )
    lines = outputs.flatMap(({ stdout }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Line),
    )
  })

  it('accepts every kernel', () => {
    const kernels = lines.filter((line) => line.kernel !== undefined)
    assert.ok(kernels.length >= 150, `${kernels.length} kernel texts`)
    assert.deepEqual(
      kernels.filter((line) => line.refused !== undefined),
      [],
    )
  })

  it('is asked for subgroups only where it has them', () => {
    if (lines.some(({ caps }) => caps?.subgroups)) return
    assert.deepEqual(
      lines.filter((line) => line.subgroups),
      [],
    )
  })

  for (const schedule of SCHEDULES) {
    it(`computes the case table right: ${schedule}`, () => {
      const cases = lines.filter((line) => line.case !== undefined && line.schedule === schedule)
      assert.ok(cases.length >= 300, `${cases.length} cases`)
      assert.deepEqual(
        cases.filter((line) => !line.right),
        [],
      )
    })
  }
})
