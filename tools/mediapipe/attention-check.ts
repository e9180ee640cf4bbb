import { EngineError } from '../../src/errors.js'
import { FACE_REGIONS } from '../../src/nets/mesh-topology.js'
import type { TfliteModel } from '../tflite/model.js'

/**
 * Compares the regions of the attention graph with ours: the vertices are written into its custom operators, and
 * weights under our names would be worthless with other ones.
 * @throws EngineError INVALID_INPUT naming the first difference
 */
export function checkAttentionRegions(model: TfliteModel): void {
  const operators = model.operators.filter((op) => op.kind === 'CUSTOM:Landmarks2TransformMatrix')
  if (operators.length !== FACE_REGIONS.length) {
    throw new EngineError(
      'INVALID_INPUT',
      `the attention graph has ${operators.length} regions, ${FACE_REGIONS.length} are known`,
    )
  }
  for (const [i, region] of FACE_REGIONS.entries()) {
    const options = operators[i]?.options ?? {}
    const expected = {
      left_rotation_idx: region.axis[0],
      right_rotation_idx: region.axis[1],
      subset_idxs: region.vertices.join(),
      output_width: 16,
      output_height: 16,
      scale_x: 1.5,
      scale_y: 1.5,
    }
    for (const [key, value] of Object.entries(expected)) {
      const found = Array.isArray(options[key]) ? options[key].join() : options[key]
      if (found !== value) {
        throw new EngineError(
          'INVALID_INPUT',
          `region ${region.name} of the attention graph has ${key} ${found}, expected ${value}`,
        )
      }
    }
  }
}
