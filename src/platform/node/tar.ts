import { packageRequire } from './package-root.js'

/**
 * The library of tar archives. Not imported: in a bundle of ES modules its own `require` would be missing.
 */
export function tarStream(): typeof import('tar-stream') {
  return packageRequire()('tar-stream') as typeof import('tar-stream')
}
