import { writeSync } from 'node:fs'
import { openDevice } from '../../src/gpu/device.js'
import type { NetworkChoice } from '../lib/networks.js'
import { END_MARK, REQUEST_VARIABLE, START_MARK } from './compile.js'
import { pipelinesOf } from './pipelines.js'

/**
 * Compiles every pipeline of some plans on the adapter of the environment. The driver writes what it made of each to
 * stderr, between marks of ours; stdout gets which steps use which pipeline.
 */
interface Request {
  readonly plans: readonly NetworkChoice[]
  readonly storage: 'f32' | 'f16'
  readonly candidates: boolean
}

const { plans, storage, candidates } = JSON.parse(process.env[REQUEST_VARIABLE] ?? '') as Request
const device = await openDevice({ adapter: 'hardware' })
const pipelines = await pipelinesOf(plans, device.caps, storage, candidates)
writeSync(1, JSON.stringify({ caps: device.caps, pipelines: pipelines.map(({ info }) => info) }))
for (const [index, { step }] of pipelines.entries()) {
  writeSync(2, `\n${START_MARK}${index}\n`)
  await device.kernels.compile([{ file: step.kernel, params: step.params }])
  writeSync(2, `\n${END_MARK}${index}\n`)
}
// The null device cannot be torn down.
process.exit(0)
