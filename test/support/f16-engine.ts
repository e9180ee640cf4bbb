import { listAdapters } from '../../src/gpu/doctor.js'
import { Engine } from '../../src/runtime/engine.js'

/** Opens an adapter that can store f16, the default one where none can: plans of f16 storage must be refused there. */
export async function openWithF16(): Promise<Engine> {
  const able = (await listAdapters()).find(({ caps }) => caps.f16)
  return await Engine.open(able === undefined ? {} : { adapter: able.device })
}
