import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { EngineError } from '../../errors.js'
import { ownFile, ownRequire, type Require } from './own-place.js'

interface PackageFacts {
  readonly root: string
  readonly version: string
}

const NAME = 'deepfaceflow'

let found: PackageFacts | undefined

/**
 * Where this package lies, with its kernels and weights: the folder that DEEPFACEFLOW_ROOT names; else the nearest one above
 * this file, whose depth differs between src/, dist/src/ and an installed package; else, in a bundle, the package that is
 * installed where the bundle runs.
 * @throws EngineError UNSUPPORTED where there is none
 */
export function packageFacts(): PackageFacts {
  found ??= factsIn(process.env.DEEPFACEFLOW_ROOT) ?? aboveThisFile() ?? installed()
  if (found) return found
  throw new EngineError(
    'UNSUPPORTED',
    `cannot find the package's folder, which holds kernels/ and weights/: this code is in a bundle (${ownFile()}), and no ${NAME} is ` +
      'installed beside it; install it there, or set DEEPFACEFLOW_ROOT to a copy of its folder',
    { file: ownFile() },
  )
}

/** `require` as the installed package sees it, from wherever this code runs: what is needed of packages that bundles leave out. */
export function packageRequire(): Require {
  return createRequire(join(packageFacts().root, 'package.json'))
}

function aboveThisFile(): PackageFacts | undefined {
  for (let folder = dirname(ownFile()); ; folder = dirname(folder)) {
    const facts = factsIn(folder)
    if (facts || folder === dirname(folder)) return facts
  }
}

function installed(): PackageFacts | undefined {
  try {
    return factsIn(dirname(ownRequire().resolve(`${NAME}/package.json`)))
  } catch {
    return undefined
  }
}

function factsIn(folder: string | undefined): PackageFacts | undefined {
  const manifest = folder && join(folder, 'package.json')
  if (!folder || !manifest || !existsSync(manifest)) return undefined
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string; version?: string }
  return name === NAME ? { root: folder, version: version ?? '0.0.0' } : undefined
}
