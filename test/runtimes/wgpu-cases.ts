/*
 * Runs under deno, whose WebGPU is wgpu: compiles every kernel text of the schedules named as arguments, as this implementation
 * gets them, and runs the case table in them. Prints a line of JSON for each.
 */
import {
  Engine,
  GraphBuilder,
  imageOutput,
  inputImages,
  loadNetworkFiles,
  outputTensor,
  registeredFlow,
  registeredFlowConfig,
} from '../../src/engine.js'
import { preprocess } from '../../src/gpu/shader/preprocess.js'
import type { Graph } from '../../src/graph/graph.js'
import type { Schedule } from '../../src/graph/op.js'
import { type PlanOptions, planGraph } from '../../src/graph/plan.js'
import { FACE_DETECTOR_INPUT, faceDetector } from '../../src/nets/face-detector.js'
import { MESH_REGRESSOR_INPUT } from '../../src/nets/mesh-regressor.js'
import { meshRegressorAttention } from '../../src/nets/mesh-regressor-attention.js'
import { LIMIT_NAMES } from '../../src/platform/caps.js'
import { KernelSource } from '../../src/platform/index.js'
import { messageOf } from '../../src/realms.js'
import { allCases } from '../cases/index.js'
import { caseGraph, forcedVariant, runCase, runsOf } from '../kernels/run-case.js'

const schedules = process.argv.slice(2) as Schedule[]
const report = (line: Record<string, unknown>): void => console.log(JSON.stringify(line))

async function openDevice(): Promise<GPUDevice> {
  const { gpu } = (globalThis as unknown as { navigator: { gpu: GPU } }).navigator
  const adapter = await gpu.requestAdapter()
  if (!adapter) throw new Error('wgpu finds no adapter')
  const requiredFeatures = (['shader-f16', 'subgroups'] as const).filter((name) => adapter.features.has(name))
  const requiredLimits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, adapter.limits[name]]))
  return adapter.requestDevice({ requiredFeatures, requiredLimits })
}

function networkOf(name: string, add: (graph: GraphBuilder) => void): Graph {
  const graph = new GraphBuilder(name)
  add(graph)
  return graph.build()
}

/** The shipped networks. */
async function networks(): Promise<Graph[]> {
  const config = registeredFlowConfig(await loadNetworkFiles('dffnet-m'))
  const maxPixels = 2 ** 20
  return [
    networkOf('pair', (graph) => {
      for (const [name, value] of Object.entries(registeredFlow(graph, config)))
        outputTensor(graph, name, value)
    }),
    networkOf('detector', (graph) => {
      const photo = inputImages(graph, 'image', ['photo'], { ...FACE_DETECTOR_INPUT, maxPixels })
      for (const [name, value] of Object.entries(faceDetector(graph, photo))) outputTensor(graph, name, value)
    }),
    networkOf('mesh', (graph) => {
      const photo = inputImages(graph, 'image', ['photo'], { ...MESH_REGRESSOR_INPUT, maxPixels })
      const { mesh, flag } = meshRegressorAttention(graph, photo)
      outputTensor(graph, 'mesh', mesh)
      outputTensor(graph, 'flag', flag)
    }),
    networkOf('registration', (graph) => {
      const size = { width: 224, height: 224, border: 'edge', maxPixels } as const
      graph.output('frame', imageOutput(graph, 'pixels', inputImages(graph, 'image', ['photo'], size)))
    }),
  ]
}

/** Every kernel text of the networks and of the case table, once. */
function kernelTexts(
  graphs: readonly Graph[],
  engine: Engine,
): Map<string, { file: string; schedule: Schedule }> {
  const source = new KernelSource()
  const texts = new Map<string, { file: string; schedule: Schedule }>()
  const add = (graph: Graph, options: PlanOptions & { schedule: Schedule }): void => {
    for (const { kernel, params } of planGraph(graph, engine.caps, options).steps) {
      texts.set(preprocess(kernel, params, source.load).code, { file: kernel, schedule: options.schedule })
    }
  }
  for (const schedule of schedules) for (const graph of graphs) add(graph, { schedule })
  for (const opCase of allCases) {
    const { built } = caseGraph(opCase)
    for (const { schedule, variant } of runsOf(opCase)) {
      if (!schedules.includes(schedule)) continue
      add(built, { schedule, variants: forcedVariant(opCase, built, variant) })
    }
  }
  return texts
}

async function refusal(device: GPUDevice, code: string): Promise<string | undefined> {
  device.pushErrorScope('validation')
  const module = device.createShaderModule({ code })
  const { messages } = await module.getCompilationInfo()
  const error = await device.popErrorScope()
  return messages.find(({ type }) => type === 'error')?.message ?? error?.message
}

const device = await openDevice()
const engine = await Engine.open({ device })
report({ caps: engine.caps })

for (const [code, { file, schedule }] of kernelTexts(await networks(), engine)) {
  const refused = await refusal(device, code)
  const subgroups = /\benable subgroups\b/.test(code)
  report({ kernel: file, schedule, subgroups, ...(refused !== undefined && { refused }) })
}

for (const opCase of allCases) {
  for (const { schedule, variant } of runsOf(opCase)) {
    if (!schedules.includes(schedule)) continue
    const bounds = opCase.bounds ?? { nmse: 1e-10, maxError: 1e-4 }
    try {
      const { nmse, maxError, range } = await runCase(engine, opCase, schedule, variant)
      const right = nmse <= bounds.nmse && maxError <= bounds.maxError * Math.max(range, 1e-3)
      report({ case: opCase.name, schedule, variant, nmse, maxError, right })
    } catch (error) {
      report({ case: opCase.name, schedule, variant, right: false, error: messageOf(error) })
    }
  }
}
process.exit(0)
