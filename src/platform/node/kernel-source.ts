import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../../errors.js'
import { packageFacts } from './package-root.js'

/** Results that self-tests of kernels compare with, JSON. */
export async function selfTestResults(): Promise<string> {
  return new KernelSource().load('self-test.json')
}

/** Reads WGSL files below one folder, each once. */
export class KernelSource {
  readonly #texts = new Map<string, string>()

  /** @param root folder of the kernel files; the package's kernels/ when left out */
  constructor(readonly root: string = join(packageFacts().root, 'kernels')) {}

  /** Text of a file given relative to the root. Bound, so that it can be handed to the preprocessor. */
  readonly load = (file: string): string => {
    const known = this.#texts.get(file)
    if (known !== undefined) return known
    try {
      const text = readFileSync(join(this.root, file), 'utf8')
      this.#texts.set(file, text)
      return text
    } catch (cause) {
      throw new EngineError(
        'INVALID_SHADER',
        `cannot read kernel file ${file} below ${this.root}`,
        { file },
        { cause },
      )
    }
  }
}
