import { EngineError, FaceError } from '../../errors.js'
import { parseTemplate, type Template } from '../../geometry/template.js'
import { readBytes, type ShippedFiles, shippedWeights } from '../../platform/index.js'
import { messageOf } from '../../realms.js'

/**
 * Reads and checks weights/template.json.
 * @throws FaceError INVALID_WEIGHTS naming the file and what is wrong with it
 */
export async function loadTemplate(file?: string, source: ShippedFiles = {}): Promise<Template> {
  const path = file ?? shippedWeights('template.json', source)
  let text: string
  try {
    text = new TextDecoder().decode(await readBytes(path, source))
  } catch (cause) {
    source.signal?.throwIfAborted()
    throw new FaceError(
      'INVALID_WEIGHTS',
      cause instanceof EngineError
        ? cause.message
        : `${path}: cannot read the face template (${messageOf(cause)}); reinstall the package`,
      { file: path },
      { cause },
    )
  }
  return parseTemplate(text, path)
}
