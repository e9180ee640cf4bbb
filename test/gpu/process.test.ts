import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runChild } from './support.js'

describe('a process with a device', () => {
  it.each([
    ['dispose', 0],
    ['nothing', 0],
    ['exit', 7],
    ['throw', 1],
  ])('ends by itself and cleanly: %s', async (ending, code) => {
    const child = await runChild('lifetime', { args: [ending] })
    expect(child).toMatchObject({ code, signal: null })
    const { idleMs } = JSON.parse(child.stdout) as { idleMs: number }
    // A polling loop would take 1,000 ms of the idle second; measured 1-18 ms.
    expect(idleMs).toBeLessThan(200)
  })

  it('opens and disposes device after device without a leak', async () => {
    const half = 50
    const child = await runChild('cycles', { args: [`${half}`] })
    expect(child).toMatchObject({ code: 0, signal: null })
    const { grownMiB } = JSON.parse(child.stdout) as { grownMiB: number }
    // Leaked, the 1 MiB buffers alone would make it `half`; the allocator's own growth has ended by then.
    expect(grownMiB).toBeLessThan(half * 0.6)
  })

  it('leaves the cores to the shader while it waits for a result', async () => {
    const child = await runChild('waiting')
    expect(child).toMatchObject({ code: 0, signal: null })
    const facts = JSON.parse(child.stdout) as { eventLoop: number; globalUntouched: boolean }
    // Polling without a pause keeps the event loop at 1; on the embedded adapter 0.02-0.1 was measured.
    expect(facts.eventLoop).toBeLessThan(0.5)
    expect(facts.globalUntouched).toBe(true)
  })
})

/** The driver of a manifest by its absolute path. */
const icdOf = (manifest: string) => ({
  library_path: join(dirname(manifest), 'libvk_swiftshader.so'),
  api_version: '1.0.5',
})

describe.runIf(process.platform === 'linux')('the embedded driver', () => {
  let cache = ''
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'deepfaceflow-test-'))
  })
  afterAll(() => rm(cache, { recursive: true, force: true }))

  interface Report {
    selection: string
    values: number[]
    manifest: string
    untouched: boolean
  }

  it('is unpacked by two processes at once without harm, and leaves the environment alone', async () => {
    const env = { XDG_CACHE_HOME: cache }
    const children = await Promise.all([runChild('embedded', { env }), runChild('embedded', { env })])
    for (const child of children) {
      expect(child).toMatchObject({ code: 0, signal: null })
      const report = JSON.parse(child.stdout) as Report
      expect(report.values).toEqual([0, 3, 6, 9])
      expect(report.selection).toMatch(/SwiftShader.*embedded driver.*'embedded' was asked for/)
      expect(report.manifest.startsWith(cache)).toBe(true)
      expect(report.untouched).toBe(true)
    }
    const [version = ''] = await readdir(join(cache, 'deepfaceflow'))
    // One finished driver, no folders of half-done work.
    expect(await readdir(join(cache, 'deepfaceflow', version))).toHaveLength(1)
  })

  it('goes to another folder when the cache cannot be used', async () => {
    const file = join(cache, 'not-a-folder')
    await writeFile(file, '')
    const child = await runChild('embedded', { env: { XDG_CACHE_HOME: file, TMPDIR: cache } })
    expect(child).toMatchObject({ code: 0, signal: null })
    const report = JSON.parse(child.stdout) as Report
    expect(report.manifest.startsWith(join(cache, 'deepfaceflow-'))).toBe(true)
  })

  it('is also found through a loader, beside drivers of the system', async () => {
    const first = await runChild('embedded', { env: { XDG_CACHE_HOME: cache } })
    const { manifest } = JSON.parse(first.stdout) as Report
    // Stands for a driver that the system has.
    const driver = join(cache, 'icd.json')
    await writeFile(driver, JSON.stringify({ file_format_version: '1.0.0', ICD: icdOf(manifest) }))
    const child = await runChild('embedded', { env: { XDG_CACHE_HOME: cache, VK_DRIVER_FILES: driver } })
    expect(child).toMatchObject({ code: 0, signal: null })
    const report = JSON.parse(child.stdout) as Report
    expect(report.values).toEqual([0, 3, 6, 9])
    expect(report.selection).toMatch(/embedded driver.*'embedded' was asked for/)
    expect(report.untouched).toBe(true)
  })

  it('heals when it is damaged', async () => {
    const first = await runChild('embedded', { env: { XDG_CACHE_HOME: cache } })
    const { manifest } = JSON.parse(first.stdout) as Report
    const library = join(dirname(manifest), 'libvk_swiftshader.so')
    const whole = await readFile(library)
    await chmod(library, 0o755)
    // Half a library is mapped whole: what is not there ends the process with SIGBUS.
    await truncate(library, whole.length / 2)
    const left = join(dirname(dirname(manifest)), 'unpack-AbCdEf')
    await mkdir(left)
    const child = await runChild('embedded', { env: { XDG_CACHE_HOME: cache } })
    expect(child).toMatchObject({ code: 0, signal: null })
    expect((await readFile(library)).equals(whole)).toBe(true)
    expect(existsSync(left)).toBe(false)
  })

  it('is not loaded from a folder that others may write to', async () => {
    const open = await mkdtemp(join(cache, 'open-'))
    const first = await runChild('embedded', { env: { XDG_CACHE_HOME: open } })
    expect(first.code).toBe(0)
    await chmod(join(open, 'deepfaceflow'), 0o777)
    const second = await runChild('embedded', { env: { XDG_CACHE_HOME: open, TMPDIR: cache } })
    const report = JSON.parse(second.stdout) as Report
    expect(report.manifest.startsWith(open)).toBe(false)
  })
})
