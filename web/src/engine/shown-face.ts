import type { RegisteredFlowResult } from 'deepfaceflow'
import { pnccMap, scalarMap } from '../package.js'
import type { Face, Motion } from '../scene/face.js'
import { flowLayers } from '../scene/layers.js'

/** Results as the scene shows them. */

/** @param uv of the mesh on the texture */
export function faceOf(result: RegisteredFlowResult, texture: ImageBitmap, uv: Float32Array): Face {
  const { meshA, triangles, mask, depth } = result
  return { mesh: meshA, triangles, uv, texture, surface: { mask, depth } }
}

/** With everything that the dense surface can be painted with. */
export function motionOf(result: RegisteredFlowResult): Motion {
  const { meshB, rigid, flow, mask, depth, pncc, confidence } = result
  return {
    mesh: meshB,
    rigid,
    flow,
    layers: {
      ...flowLayers(flow, { mask, depth }, rigid),
      pncc: pnccMap(pncc),
      ...(confidence && { confidence: scalarMap(confidence, mask, 1) }),
    },
  }
}
