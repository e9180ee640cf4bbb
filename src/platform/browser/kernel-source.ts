import { EngineError } from '../../errors.js'
import { KERNELS } from './shipped.js'

/** Results that self-tests of kernels compare with, JSON. */
export async function selfTestResults(): Promise<string> {
  return (await import('./self-test-results.js')).SELF_TEST_RESULTS
}

/** The package's WGSL files, which the build has put into the code. */
export class KernelSource {
  /** @throws EngineError UNSUPPORTED for a folder: there are none in a browser */
  constructor(root?: string) {
    if (root === undefined) return
    throw new EngineError('UNSUPPORTED', 'kernelRoot is a folder, and a browser has none; leave it out')
  }

  /** Text of a file given relative to kernels/. Bound, so that it can be handed to the preprocessor. */
  readonly load = (file: string): string => {
    const text = KERNELS[file]
    if (text !== undefined) return text
    throw new EngineError('INVALID_SHADER', `the package has no kernel file ${file}`, { file })
  }
}
