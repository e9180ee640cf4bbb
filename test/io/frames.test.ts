import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findFrameFiles } from '../../src/io/frame-files.js'

/** Paths are paths, patterns are patterns. */

let folder: string
const here = process.cwd()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-frames-'))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(here)
  await rm(folder, { recursive: true, force: true })
})

async function pictures(parent: string, ...names: string[]): Promise<void> {
  await mkdir(parent, { recursive: true })
  for (const name of names) await writeFile(join(parent, name), 'x')
}

async function names(input: string): Promise<string[]> {
  const found = await findFrameFiles(input)
  return found.kind === 'pictures' ? found.files.map((file) => file.slice(file.lastIndexOf('/') + 1)) : []
}

const ODD = [
  'clip (1)',
  '[x]',
  '{a,b}',
  'a*b',
  '?',
  '!no',
  '-v',
  '+(a|b)',
  '@(x)',
  '50%done %03d',
  'C:',
  'a\\b',
]

describe('frames', () => {
  it.each(ODD)('of a folder called "%s"', async (name) => {
    await pictures(name, '1.jpg', '2.jpg', 'notes.txt', '.hidden.jpg')
    expect(await names(name)).toEqual(['1.jpg', '2.jpg'])
    expect(await names(`${name}/`)).toEqual(['1.jpg', '2.jpg'])
    expect(await names(join(folder, name))).toEqual(['1.jpg', '2.jpg'])
  })

  // The pattern's library takes a backslash in a folder's name for a separator, and finds nothing there.
  it.each(ODD.filter((name) => !name.includes('\\')))(
    'by a pattern below a folder called "%s"',
    async (name) => {
      await pictures(name, '1.jpg', '2.jpg', 'x.png')
      expect(await names(`${name}/*.jpg`)).toEqual(['1.jpg', '2.jpg'])
      expect(await names(`${join(folder, name)}/[12].jpg`)).toEqual(['1.jpg', '2.jpg'])
    },
  )

  it.each(ODD)('of a file called "%s"', async (name) => {
    await writeFile(name, 'x')
    expect(await findFrameFiles(name)).toEqual({ kind: 'video', file: name })
  })

  it('does not let a folder that looks like a pattern match others', async () => {
    await pictures('[ab]', '1.jpg', '2.jpg')
    await pictures('a', '3.jpg', '4.jpg')
    expect(await names('[ab]')).toEqual(['1.jpg', '2.jpg'])
    await rm('[ab]', { recursive: true })
    expect(await names('[ab]/*')).toEqual(['3.jpg', '4.jpg'])
  })

  it('come in the order of their numbers, whatever the case of the ending', async () => {
    await pictures('f', '10.jpg', '9.JPG', '1.png', '01.png', '100.jpeg')
    expect(await names('f')).toEqual(['01.png', '1.png', '9.JPG', '10.jpg', '100.jpeg'])
  })

  it('are pictures of all kinds that are read; of a folder it says how many of other kinds are left out', async () => {
    await pictures(
      'all',
      '1.jpg',
      '2.HEIC',
      '3.jfif',
      '4.apng',
      'notes.txt',
      '.DS_Store',
      '._5.jpg',
      'Thumbs.db',
    )
    await mkdir(join('all', '6.jpg'))
    expect(await findFrameFiles('all')).toMatchObject({ files: { length: 4 }, skipped: null })
    await pictures('some', '1.png', '2.bmp', '3.BMP', '4.jp2', '5.png')
    expect(await findFrameFiles('some')).toMatchObject({
      files: { length: 2 },
      skipped: expect.stringMatching(/^some: 3 pictures \(1 \.jp2, 2 \.bmp\) are left out .*save them as/),
    })
    await pictures('none', '1.exr', '2.png')
    await expect(findFrameFiles('none')).rejects.toThrow(
      /has 1 frame beside 1 picture \(1 \.exr\); at least two/,
    )
  })

  it('may be links', async () => {
    await pictures('f', '1.jpg', '2.jpg')
    await symlink(join(folder, 'f'), 'link')
    await symlink(join(folder, 'f', '1.jpg'), join('f', '3.jpg'))
    expect(await names('link')).toEqual(['1.jpg', '2.jpg', '3.jpg'])
  })

  it.each([
    ['missing', /missing: does not exist; give a video file, a folder of frames or a pattern/],
    ['no/*.jpg', /has 0 frames; at least two pictures are needed, each a JPEG, PNG/],
    ['[', /^\[: (does not exist|has 0 frames)/],
    ['**', /has 0 frames/],
    ['!(x)', /has 0 frames/],
    ['/dev/null', /is neither a file nor a folder/],
    [`${'x'.repeat(300)}`, /does not exist/],
  ])('are refused for %s', async (input, message) => {
    await expect(findFrameFiles(input)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    })
  })
})
