import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EngineError } from '../../errors.js'

interface PackageFacts {
  readonly root: string
  readonly version: string
}

let found: PackageFacts | undefined

/**
 * Where this package lies: the nearest folder above this file with deepfaceflow's package.json. The depth
 * differs between src/, dist/src/ and an installed package.
 * @throws EngineError INVALID_SHADER where there is none, as in a bundle
 */
export function packageFacts(): PackageFacts {
  if (found) return found
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (existsSync(manifest)) {
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        name?: string
        version?: string
      }
      if (name === 'deepfaceflow') {
        found = { root: folder, version: version ?? '0.0.0' }
        return found
      }
    }
    if (folder === dirname(folder))
      throw new EngineError(
        'INVALID_SHADER',
        'cannot find the package folder with kernels/; deepfaceflow must not be bundled into one file',
      )
  }
}
