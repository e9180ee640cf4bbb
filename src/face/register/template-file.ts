import { FaceError } from '../../errors.js'
import { parseTemplate, type Template } from '../../geometry/template.js'
import { readText, shippedWeights } from '../../platform/index.js'

/**
 * Reads and checks weights/template.json.
 * @throws FaceError INVALID_WEIGHTS naming the file and what is wrong with it
 */
export async function loadTemplate(file = shippedWeights('template.json')): Promise<Template> {
  let text: string
  try {
    text = await readText(file)
  } catch (cause) {
    throw new FaceError(
      'INVALID_WEIGHTS',
      `${file}: cannot read the face template; reinstall the package`,
      { file },
      { cause },
    )
  }
  return parseTemplate(text, file)
}
