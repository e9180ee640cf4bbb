import { afterEach, describe, expect, it, vi } from 'vitest'
import { EngineError } from '../../src/errors.js'
import { DeepFaceFlow } from '../../src/face/deep-face-flow.js'
import { Engine, type EngineOptions } from '../../src/runtime/engine.js'

/** What `DeepFaceFlow.create` does where the adapter that was found computes wrong. */

const asked: (string | undefined)[] = []
const engines: Engine[] = []
const open = Engine.open.bind(Engine)

/** The first engine that is opened is of an adapter whose kernels fail the self-test, or whose compiler fails. */
function firstAdapterFails(details: Record<string, unknown>): void {
  vi.spyOn(Engine, 'open').mockImplementation(async (options: EngineOptions = {}) => {
    asked.push(options.adapter)
    const engine = await open({ ...options, adapter: 'embedded' })
    engines.push(engine)
    if (asked.length === 1) {
      const message = 'adapter "Voodoo 3dfx" computes wrong: warp.wgsl differs from float64'
      engine.compile = () => Promise.reject(new EngineError('UNSUPPORTED', message, details))
    }
    return engine
  })
}

const warnings: string[] = []
const onWarning = ({ message }: Error): unknown => warnings.push(message)

afterEach(() => {
  vi.restoreAllMocks()
  process.off('warning', onWarning)
  for (const list of [asked, engines, warnings]) list.length = 0
})

describe('an adapter that fails the self-test', () => {
  it('is followed by the embedded one, with a warning that names the kernel', async () => {
    process.on('warning', onWarning)
    firstAdapterFails({ selfTest: true })
    const faceFlow = await DeepFaceFlow.create()
    expect(asked).toEqual([undefined, 'embedded'])
    expect(faceFlow.adapter).toMatch(/SwiftShader/)
    await new Promise((resolve) => setTimeout(resolve))
    expect(warnings).toEqual([
      'adapter "Voodoo 3dfx" computes wrong: warp.wgsl differs from float64; the embedded software adapter is taken',
    ])
    faceFlow.dispose()
    for (const engine of engines) expect(engine.stats.liveBuffers).toBe(0)
  })

  it.each([
    ['was asked for by name', { selfTest: true }, { adapter: 'software' }],
    ['fails otherwise', {}, {}],
  ])('is an error where it %s', async (_, details, options) => {
    firstAdapterFails(details)
    await expect(DeepFaceFlow.create(options)).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(asked).toHaveLength(1)
  })
})
