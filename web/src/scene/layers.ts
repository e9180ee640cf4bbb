import { depthMap, depthScale, expressionFlow, flowMap, flowScale, type RigidMotion } from '../package.js'
import type { Motion, Surface } from './face.js'

/** Flow, depth change and expression in the colours of the command's pictures. */
export function flowLayers(
  flow: Float32Array,
  { mask, depth }: Surface,
  rigid: RigidMotion,
): Pick<Motion['layers'], 'flow' | 'depth' | 'expression'> {
  const expression = expressionFlow(flow, rigid, mask, depth)
  return {
    flow: flowMap(flow, mask, flowScale(flow, mask)),
    depth: depthMap(flow, mask, depthScale(flow, mask)),
    expression: flowMap(expression, mask, flowScale(expression, mask)),
  }
}
