import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineError } from '../src/errors.js'
import { DeepFaceFlow } from '../src/face/deep-face-flow.js'
import { GraphBuilder } from '../src/graph/graph.js'
import { planGraph } from '../src/graph/plan.js'
import { inputTensor, outputTensor } from '../src/ops/tensor/border.js'
import { scale } from '../src/ops/tensor/elementwise.js'
import { checkOptionNames, unknownName } from '../src/option-names.js'
import { Engine } from '../src/runtime/engine.js'
import { Plan } from '../src/runtime/plan.js'

let engine: Engine
let plan: Plan

function doubling(): GraphBuilder {
  const graph = new GraphBuilder('doubling')
  outputTensor(
    graph,
    'y',
    scale(graph, 's', inputTensor(graph, 'x', { n: 1, h: 1, w: 1, c: 4 }), { scale: 2 }),
  )
  return graph
}

beforeAll(async () => {
  engine = await Engine.open()
  plan = await engine.compile(doubling().build())
})
afterAll(() => engine.dispose())

const inputs = { x: Float32Array.of(1, 2, 3, 4) }

describe('a misspelt option of the engine is refused with the one that is meant', () => {
  it.each<[string, string, () => unknown]>([
    ['adaptor', 'adapter', () => Engine.open({ adaptor: 'software' } as never)],
    ['selftest', 'selfTest', () => Engine.open({ selftest: {} } as never)],
    ['softwear', 'software', () => Engine.open({ selfTest: { softwear: true } } as never)],
    ['modus', 'mode', () => Engine.open({ autotune: { modus: 'cached' } } as never)],
    ['weight', 'weights', () => engine.compile(doubling().build(), { weight: {} } as never)],
    ['optimize', 'optimise', () => engine.compile(doubling().build(), { optimize: false } as never)],
    ['storages', 'storage', () => planGraph(doubling().build(), engine.caps, { storages: 'f16' } as never)],
    ['onlly', 'only', () => plan.compute(inputs, ['y'], { onlly: true } as never)],
    ['Into', 'into', () => plan.read(['y'], { Into: {} } as never)],
    ['too', 'to', () => plan.run(inputs, { too: {} } as never)],
    ['input', 'inputs', () => Plan.computeTogether([{ plan, input: inputs } as never])],
  ])('%s: %s', async (given, meant, call) => {
    const outcome = (async () => await call())()
    await expect(outcome).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`there is no option "${given}"; "${meant}" is meant?`),
      details: { option: given },
    })
    expect((await plan.compute(inputs)).y).toEqual(Float32Array.of(2, 4, 6, 8))
  })
})

it.each(['create', 'video', 'flow'] as const)('so are those of the face level: %s', async (call) => {
  const face = await DeepFaceFlow.create({ engine })
  const wrong = { backwards: false, weigths: 'x', onprogress: () => undefined } as never
  const outcome = async () =>
    call === 'create'
      ? DeepFaceFlow.create(wrong)
      : call === 'video'
        ? face.video(wrong)
        : face.flow('a', 'b', wrong)
  await expect(outcome()).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(
      call === 'create'
        ? /option "backwards"; there are: adapter/
        : /option "backwards"; "backward" is meant/,
    ),
  })
  face.dispose()
})

it('names all where none is near, and takes what is named', () => {
  expect(unknownName('zzz', ['alpha', 'beta'])).toBe('"zzz"; there are: alpha, beta')
  expect(unknownName('x'.repeat(5000), ['alpha']).length).toBeLessThan(140)
  const names = { alpha: true, beta: true } as const
  expect(() => checkOptionNames('call()', { alpha: 1 } as object, names, EngineError)).not.toThrow()
  for (const bad of [null, 7, 'alpha']) {
    expect(() => checkOptionNames('call()', bad as never, names, EngineError)).toThrow(
      /options are an object/,
    )
  }
})
