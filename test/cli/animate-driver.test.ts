import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDriver, readAhead } from '../../src/cli/animate-driver.js'
import type { FrameSource } from '../../src/io/frames.js'
import type { VideoDamage } from '../../src/platform/node/video-frame.js'

const signal = new AbortController().signal
const damage: VideoDamage = { announced: 9, decoded: 3, messages: [] }

/** A damaged video of some frames, which counts how often it is opened and how many readings have ended. */
function counted(frames: number) {
  const counts = { opened: 0, ended: 0 }
  const source: FrameSource = {
    path: '/driver.mp4',
    count: null,
    rate: 25,
    files: null,
    clip: null,
    notes: [],
    async *frames(from, _signal, onDamage) {
      counts.opened++
      try {
        for (let i = from; i < frames; i++) yield { name: `frame ${i}`, photo: `${i}.png`, time: null }
        onDamage?.(damage)
      } finally {
        counts.ended++
      }
    },
  }
  return { source, counts }
}

async function namesOf(source: FrameSource, from = 0, onDamage?: (damage: VideoDamage) => void) {
  const names: string[] = []
  for await (const { name } of source.frames(from, signal, onDamage)) names.push(name)
  return names
}

describe('a driver', () => {
  it('is opened once for the look at its first frames and the reading that follows, later ones open it anew', async () => {
    const { source, counts } = counted(3)
    const driver = await readAhead(source, signal)
    const found: VideoDamage[] = []
    expect(await namesOf(driver, 0, (one) => found.push(one))).toEqual(['frame 0', 'frame 1', 'frame 2'])
    expect(found).toEqual([damage])
    expect(counts).toEqual({ opened: 1, ended: 1 })
    expect(await namesOf(driver)).toHaveLength(3)
    expect(counts.opened).toBe(2)
  })

  it('that is first read from its middle is opened for that', async () => {
    const { source, counts } = counted(3)
    const driver = await readAhead(source, signal)
    expect(await namesOf(driver, 2)).toEqual(['frame 2'])
    await driver.close()
    expect(counts).toEqual({ opened: 2, ended: 2 })
  })

  it.each([0, 1])('of %i frames is refused, and its reading ended', async (frames) => {
    const { source, counts } = counted(frames)
    await expect(readAhead(source, signal)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      details: { frames },
    })
    expect(counts).toEqual({ opened: 1, ended: 1 })
  })

  it.each(['before it is read', 'in the middle'])(
    'ends its reading where the command ends %s',
    async (when) => {
      const { source, counts } = counted(3)
      const driver = await readAhead(source, signal)
      if (when === 'in the middle') for await (const _ of driver.frames(0, signal)) break
      await driver.close()
      expect(counts).toEqual({ opened: 1, ended: 1 })
    },
  )
})

describe('a pipe as a driver', () => {
  let folder: string
  let pipe: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pipe-'))
    pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })

  it('that is no video is refused by its own name, and nothing of it stays', async () => {
    vi.stubEnv('TMPDIR', folder)
    const [refusal] = await Promise.all([
      openDriver(pipe, signal).catch((error: unknown) => error),
      writeFile(pipe, 'no video'),
    ])
    expect(refusal).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining(`${pipe}: `) })
    expect((refusal as Error).message).not.toContain('deepfaceflow-')
    expect(await readdir(folder)).toEqual(['pipe'])
  })

  it('is refused where there is no folder to keep it in', async () => {
    vi.stubEnv('TMPDIR', join(folder, 'none'))
    await expect(openDriver(pipe, signal)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      details: { code: 'ENOENT' },
    })
  })
})
