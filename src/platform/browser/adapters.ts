import { EngineError } from '../../errors.js'
import type { AdapterChoice, FoundAdapter, InstanceOptions } from '../adapter-choice.js'
import { type AdapterCaps, readCaps } from '../caps.js'
import { emitWarning } from './host.js'

/** Browsers do not say what is below WebGPU. */
const BACKEND = 'browser'

/** Why there is no adapter; `reason` in the error's details. */
type Obstacle = 'insecure-page' | 'no-webgpu' | 'no-adapter' | 'not-this-kind'

const WORDS: Readonly<Record<Obstacle, string>> = {
  'insecure-page':
    'the page is not secure, and browsers give WebGPU to secure pages only; serve it over https, or from localhost',
  'no-webgpu':
    'this browser has no WebGPU (navigator.gpu is missing); use a current Chrome, Edge, Safari or Firefox, or switch it on there',
  'no-adapter':
    'the browser has WebGPU but gives no adapter: hardware acceleration is off, the GPU is on its block list, or there is no driver; see chrome://gpu or about:support',
  'not-this-kind': 'the browser has another adapter than asked for',
}

function noAdapter(reason: Obstacle, what = ''): EngineError {
  return new EngineError('NO_ADAPTER', what === '' ? WORDS[reason] : `${WORDS[reason]}: ${what}`, { reason })
}

function webgpu(): GPU {
  const { gpu } = navigator
  if (gpu) return gpu
  throw noAdapter(globalThis.isSecureContext === false ? 'insecure-page' : 'no-webgpu')
}

/** The adapters that can be told apart: the one that the browser prefers, and its software adapter. Opens none. */
export async function enumerateAdapters(): Promise<FoundAdapter[]> {
  const gpu = webgpu()
  const found: FoundAdapter[] = []
  for (const forceFallbackAdapter of [false, true]) {
    const adapter = await gpu.requestAdapter({ forceFallbackAdapter })
    if (adapter === null) continue
    const caps = readCaps(adapter, BACKEND)
    if (found.some((other) => other.caps.name === caps.name)) continue
    found.push({ adapter, caps, source: 'browser', reason: caps.name })
  }
  return found
}

/**
 * Finds the adapter for a choice.
 * @throws EngineError NO_ADAPTER with `details.reason`
 */
export async function chooseAdapter(choice: AdapterChoice, options: InstanceOptions): Promise<FoundAdapter> {
  const gpu = webgpu()
  const isSoftware = choice === 'software' || choice === 'embedded'
  const adapter = await gpu.requestAdapter(
    isSoftware
      ? { forceFallbackAdapter: true }
      : { powerPreference: options.powerPreference ?? 'high-performance' },
  )
  if (adapter === null) throw noAdapter('no-adapter')
  const caps = readCaps(adapter, BACKEND)
  if (choice === 'hardware' && caps.software) throw noAdapter('not-this-kind', `${caps.name} is software`)
  const isNamed = !isSoftware && choice !== 'auto' && choice !== 'hardware'
  if (isNamed && !caps.name.toLowerCase().includes(choice.toLowerCase())) {
    throw noAdapter('not-this-kind', `it is called ${caps.name}, not '${choice}'`)
  }
  if (caps.software && !isSoftware) {
    emitWarning(
      `the browser runs WebGPU on the CPU (${caps.name}): results are right, but a pair takes about a second of a ` +
        'processor with the small network instead of milliseconds, and the first one several; for a GPU switch on hardware acceleration',
      'DEEPFACEFLOW_SOFTWARE_ADAPTER',
    )
  }
  const reason = choice === 'auto' ? 'the browser offers it' : `'${choice}' was asked for`
  return { adapter, caps, source: 'browser', reason }
}

/** Caps of a device that the caller opened. */
export function capsOfDevice(gpu: GPUDevice): AdapterCaps {
  return readCaps({ info: gpu.adapterInfo, features: gpu.features, limits: gpu.limits }, BACKEND)
}
