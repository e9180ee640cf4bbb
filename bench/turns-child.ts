import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { DeepFaceFlow as DeepFaceFlowClass } from '../src/index.js'
import type { Engine as EngineClass } from '../src/runtime/engine.js'
import type * as Networks from './lib/networks.js'
import { answerTurns } from './lib/turn-process.js'
import type { TurnReady, TurnRequest } from './turns.js'

/** The child of bench/turns.ts: a registered pair, or a batch, by the sources of some checkout. */
const { tree, choice, adapter, level } = JSON.parse(process.argv[2] ?? '') as TurnRequest

async function load<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(tree, file)).href)) as T
}

const device = adapter === undefined ? {} : { adapter }

await answerTurns(async (): Promise<{ ready: TurnReady; run: () => Promise<unknown> }> => {
  const { networkWeights, registeredGraph, registeredInputs } =
    await load<typeof Networks>('bench/lib/networks.ts')
  const inputs = await registeredInputs(choice)
  if (level === 'face') {
    const { DeepFaceFlow } = await load<{ DeepFaceFlow: typeof DeepFaceFlowClass }>('src/index.ts')
    const face = await DeepFaceFlow.create(device)
    const frame = (name: string) => ({ width: 224, height: 224, data: inputs[name] as Uint8Array })
    const run = async () => (await face.flowRegistered(frame('i1'), frame('i2'))).flow
    return { ready: { adapter: face.adapter, flow: await run() }, run }
  }
  const { Engine } = await load<{ Engine: typeof EngineClass }>('src/runtime/engine.ts')
  const engine = await Engine.open(device)
  const plan = await engine.compile(await registeredGraph(choice), { weights: await networkWeights(choice) })
  const run = async () => (await plan.compute(inputs)).flow as Float32Array
  return { ready: { adapter: engine.caps.name, flow: await run() }, run }
})
