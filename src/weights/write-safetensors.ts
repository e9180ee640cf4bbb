import { EngineError } from '../errors.js'
import { replaceFile } from '../platform/node/files.js'
import { encodeSafetensors, type TensorToWrite } from './safetensors.js'

/**
 * Writes a safetensors file whole or not at all (a temporary file beside it, then a rename).
 * @throws EngineError INVALID_ARGUMENT for tensors that cannot be encoded, OUTPUT_FAILED if the path cannot be written
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const bytes = await encodeSafetensors(tensors, metadata)
  try {
    await replaceFile(path, bytes)
  } catch (cause) {
    throw new EngineError(
      'OUTPUT_FAILED',
      `${path}: cannot be written (${(cause as NodeJS.ErrnoException).code}); check the folder and the free space`,
      { file: path },
      { cause },
    )
  }
}
