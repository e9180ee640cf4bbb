import { borderCases } from './border.js'
import type { OpCase } from './case.js'
import { channelsCases } from './channels.js'
import { concatCases } from './concat.js'
import { conv2dCases } from './conv2d.js'
import { elementwiseCases } from './elementwise.js'
import { rasterCases } from './raster.js'
import { vertexCases } from './vertices.js'

/** Every op case: the correctness tests run all of them, the op benchmark those marked `bench`. */
export const allCases: readonly OpCase[] = [
  ...borderCases,
  ...channelsCases,
  ...concatCases,
  ...conv2dCases,
  ...elementwiseCases,
  ...rasterCases,
  ...vertexCases,
]
