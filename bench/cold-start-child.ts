import { Engine } from '../src/runtime/engine.js'
import { COLD_START_VARIABLE, type ColdStart } from './lib/cold-start.js'
import { type NetworkChoice, networkWeights, registeredGraph, registeredInputs } from './lib/networks.js'
import type { BenchOptions } from './lib/options.js'

/** The child of `coldStart`: does once what a first call does, and prints when each part was done. */
interface Request {
  readonly started: number
  readonly choice: NetworkChoice
  readonly options: BenchOptions
}

const { started, choice, options } = JSON.parse(process.env[COLD_START_VARIABLE] ?? '') as Request
const processMs = Date.now() - started
let last = performance.now()
const lap = (): number => {
  const now = performance.now()
  const ms = now - last
  last = now
  return ms
}

const [weights, inputs, graph] = [
  await networkWeights(choice),
  await registeredInputs(choice),
  await registeredGraph(choice),
]
const weightFiles = lap()
const engine = await Engine.open({
  ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
  robustness: options.robustness,
})
const device = lap()
let shaders = 0
let pipelines = 0
const plan = await engine.compile(graph, {
  storage: options.storage,
  ...(options.schedule && { schedule: options.schedule }),
  weights,
  onProgress: (done, total) => {
    pipelines = total
    if (done === total) shaders = lap()
  },
})
const buffers = lap()
await plan.compute(inputs)
const firstRun = lap()
const { user, system } = process.cpuUsage()
await plan.compute(inputs)
const secondRun = lap()
engine.dispose()
const result: ColdStart = {
  process: processMs,
  weightFiles,
  device,
  shaders,
  pipelines,
  buffers,
  firstRun,
  secondRun,
  total: weightFiles + device + shaders + buffers + firstRun,
  cpu: (user + system) / 1000,
  peakRssBytes: process.resourceUsage().maxRSS * 1024,
}
process.stdout.write(JSON.stringify(result))
