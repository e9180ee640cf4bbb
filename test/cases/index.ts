import { addVertexMotionCases } from './add-vertex-motion.js'
import { borderCases } from './border.js'
import type { OpCase } from './case.js'
import { channelsCases } from './channels.js'
import { compositeSheetCases } from './composite-sheet.js'
import { concatCases } from './concat.js'
import { consistencyCases } from './consistency.js'
import { convFusionCases } from './conv-fusion.js'
import { conv2dCases } from './conv2d.js'
import { correlationCases } from './correlation.js'
import { depthwiseCases } from './depthwise.js'
import { elementwiseCases } from './elementwise.js'
import { extendVerticesCases } from './extend-vertices.js'
import { flowOnFaceCases } from './flow-on-face.js'
import { fullyConnectedCases } from './fully-connected.js'
import { inverseSearchCases } from './inverse-search.js'
import { landmarkAttentionCases } from './landmark-attention.js'
import { leadVerticesCases } from './lead-vertices.js'
import { padCropCases } from './pad-crop.js'
import { poolCases } from './pool.js'
import { rasterCases } from './raster.js'
import { reduceCases } from './reduce.js'
import { refineMeshCases } from './refine-mesh.js'
import { reshapeCases } from './reshape.js'
import { resizeCases } from './resize.js'
import { smoothRimCases } from './smooth-rim.js'
import { storageCases } from './storage.js'
import { transposedCases } from './transposed.js'
import { variationalCases } from './variational.js'
import { vertexMotionCases } from './vertex-motion.js'
import { vertexCases } from './vertices.js'
import { warpCases } from './warp.js'

/** Every op case: the correctness tests run all of them, the op benchmark those marked `bench`. */
export const allCases: readonly OpCase[] = [
  ...borderCases,
  ...channelsCases,
  ...compositeSheetCases,
  ...concatCases,
  ...conv2dCases,
  ...convFusionCases,
  ...depthwiseCases,
  ...transposedCases,
  ...fullyConnectedCases,
  ...inverseSearchCases,
  ...variationalCases,
  ...elementwiseCases,
  ...rasterCases,
  ...consistencyCases,
  ...correlationCases,
  ...flowOnFaceCases,
  ...landmarkAttentionCases,
  ...padCropCases,
  ...poolCases,
  ...reduceCases,
  ...refineMeshCases,
  ...reshapeCases,
  ...resizeCases,
  ...storageCases,
  ...warpCases,
  ...vertexCases,
  ...vertexMotionCases,
  ...addVertexMotionCases,
  ...extendVerticesCases,
  ...leadVerticesCases,
  ...smoothRimCases,
]
