/**
 * What the page takes of the package beside the engine: its own readers, products and colours. From the sources, module by module:
 * through the package's entry the viewer would bring the engine and the weights along.
 */
export type { RegisteredFlowResult } from '../../src/face/types.js'
export { applySimilarity3 } from '../../src/geometry/similarity3.js'
export type { Rgba } from '../../src/geometry/types.js'
export { TEMPLATE_SIZE } from '../../src/geometry/types.js'
export { decodeNpy } from '../../src/io/npy.js'
export type { FlowStatistics } from '../../src/io/summary.js'
export { type FrameRecord, isRecord } from '../../src/io/video-record.js'
export { expressionFlow } from '../../src/products/expression.js'
export { moveMesh } from '../../src/products/moved-mesh.js'
export type { RigidMotion } from '../../src/products/rigid-motion.js'
export { wheelColour } from '../../src/viz/colour-maps.js'
export { depthMap, depthScale, flowMap, flowScale, pnccMap, scalarMap } from '../../src/viz/maps.js'
