import { EngineError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import type { AdapterChoice, AdapterSource, FoundAdapter, InstanceOptions } from '../adapter-choice.js'
import { type AdapterCaps, readCaps } from '../caps.js'
import { embeddedDriver } from './embedded.js'
import { describeLoadFailure } from './native-package.js'
import {
  ensureEmbeddedDriver,
  ensureVulkanLoader,
  systemHasDrivers,
  withVulkanEnvironment,
} from './vulkan-loader.js'

type NodeSource = Exclude<AdapterSource, 'browser'>

/**
 * Instances of Dawn, kept for the life of the process: Dawn aborts when an instance is collected while one
 * of its devices lives, and a new instance starts the driver anew.
 */
const instances = new Map<string, GPU>()

/** A device name that no adapter has: asked for it, Dawn rejects with a list of those it knows. */
const NOBODY = '\u0001'

function backendName(): string {
  const standard = process.platform === 'darwin' ? 'metal' : process.platform === 'win32' ? 'd3d12' : 'vulkan'
  return process.env.DAWNNODE_BACKEND?.toLowerCase() || standard
}

async function instance(
  source: NodeSource,
  options: Pick<InstanceOptions, 'robustness'>,
  name?: string,
): Promise<GPU> {
  // Timestamps are quantised to 100 us against timing attacks from web pages, of no concern to a local program.
  const flags = ['disable-dawn-features=timestamp_quantization']
  if (!options.robustness) flags.push('enable-dawn-features=disable_robustness')
  if (name !== undefined) flags.push(`adapter=${name}`)
  const key = JSON.stringify([source, flags])
  const { create } = await loadDawn()
  // Looked up after the last await: a second instance under the same key would push the first one out.
  const gpu = instances.get(key) ?? create(flags)
  instances.set(key, gpu)
  return gpu
}

const DAWN_PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'win32-arm64', 'win32-x64']

/** @throws EngineError NO_ADAPTER with the reason and the remedy */
async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu')
  } catch (cause) {
    throw new EngineError(
      'NO_ADAPTER',
      `${describeLoadFailure('webgpu', cause, DAWN_PLATFORMS)}; or pass your own GPUDevice`,
      { package: 'webgpu' },
      { cause },
    )
  }
}

async function request(
  source: NodeSource,
  options: InstanceOptions,
  request: GPURequestAdapterOptions,
  name?: string,
): Promise<GPUAdapter | undefined> {
  const manifest = source === 'embedded' ? (await embeddedDriver()).manifest : undefined
  const gpu = await instance(source, options, name)
  return (await withVulkanEnvironment(manifest, () => gpu.requestAdapter(request))) ?? undefined
}

/** Why the system's adapters cannot be asked for, or undefined if they can. */
async function systemObstacle(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  try {
    // Without a driver manifest the answer is known, and Dawn would print warnings on the way to it.
    if (!systemHasDrivers()) return 'the system has no Vulkan driver'
    await ensureVulkanLoader()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

async function embeddedObstacle(): Promise<string | undefined> {
  try {
    await ensureEmbeddedDriver()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const obstacleTo = (source: NodeSource): Promise<string | undefined> =>
  source === 'system' ? systemObstacle() : embeddedObstacle()

/** Names of the adapters that a source offers, as Dawn knows them. */
async function adapterNames(source: NodeSource, options: InstanceOptions): Promise<string[]> {
  if (await obstacleTo(source)) return []
  try {
    await request(source, options, {}, NOBODY)
    return []
  } catch (error) {
    const report = messageOf(error)
    return [...report.matchAll(/name: '(.*)'$/gm)].map((match) => match[1] ?? '')
  }
}

/** Every adapter that can be opened, the system's first. Opens none of them. */
export async function enumerateAdapters(
  options: InstanceOptions = { robustness: true },
): Promise<FoundAdapter[]> {
  await loadDawn()
  const found: FoundAdapter[] = []
  for (const source of ['system', 'embedded'] as const) {
    for (const name of new Set(await adapterNames(source, options))) {
      const adapter = await request(source, options, {}, name)
      if (adapter) found.push({ adapter, caps: readCaps(adapter, backendName()), source, reason: name })
    }
  }
  return found
}

const REFUSED = "Dawn accepts none of the system's drivers"

/** What was found and what stood in the way, for the error of an impossible choice. */
async function describeFindings(): Promise<{ text: string; details: Record<string, unknown> }> {
  const adapters = await enumerateAdapters()
  const refused = adapters.some(({ source }) => source === 'system') ? undefined : REFUSED
  const obstacles = [(await systemObstacle()) ?? refused, await embeddedObstacle()].filter(
    (text) => text !== undefined,
  )
  const lines = adapters.map(
    ({ caps, source, reason }) =>
      `${caps.name}, called '${reason}' [${source}, ${caps.software ? 'software' : 'hardware'}]`,
  )
  const text = lines.length > 0 ? `found: ${lines.join('; ')}` : 'no adapter was found'
  return {
    text: [text, ...obstacles].join('; '),
    details: {
      found: adapters.map(({ caps, source }) => ({ name: caps.name, source, software: caps.software })),
      obstacles,
    },
  }
}

async function impossible(wanted: string): Promise<EngineError> {
  const { text, details } = await describeFindings()
  return new EngineError('NO_ADAPTER', `${wanted}: ${text}`, details)
}

/**
 * Finds the adapter for a choice.
 *
 * @throws EngineError NO_ADAPTER that lists what was found
 */
export async function chooseAdapter(choice: AdapterChoice, options: InstanceOptions): Promise<FoundAdapter> {
  await loadDawn()
  const found = (source: NodeSource, adapter: GPUAdapter, reason: string): FoundAdapter => {
    return { adapter, caps: readCaps(adapter, backendName()), source, reason }
  }
  const fromSystem = async (how: GPURequestAdapterOptions): Promise<GPUAdapter | string> => {
    return (await systemObstacle()) ?? (await request('system', options, how)) ?? REFUSED
  }
  const embedded = async (reason: string): Promise<FoundAdapter> => {
    const obstacle = await embeddedObstacle()
    const adapter = obstacle ? undefined : await request('embedded', options, {})
    if (!adapter) throw await impossible(`adapter '${choice}' is not available`)
    return found('embedded', adapter, reason)
  }

  switch (choice) {
    case 'auto': {
      const adapter = await fromSystem({ powerPreference: options.powerPreference ?? 'high-performance' })
      if (typeof adapter === 'string') return embedded(adapter)
      const taken = found('system', adapter, '')
      return {
        ...taken,
        reason: taken.caps.software ? 'the system has no hardware adapter' : 'hardware comes first',
      }
    }
    case 'hardware': {
      const adapter = await fromSystem({ powerPreference: options.powerPreference ?? 'high-performance' })
      const taken =
        typeof adapter === 'string' ? undefined : found('system', adapter, "'hardware' was asked for")
      if (!taken || taken.caps.software) throw await impossible('there is no hardware adapter')
      return taken
    }
    case 'software': {
      const adapter = await fromSystem({ forceFallbackAdapter: true })
      if (typeof adapter === 'string') return embedded(`'software' was asked for and ${adapter}`)
      return found('system', adapter, "'software' was asked for")
    }
    case 'embedded':
      return embedded("'embedded' was asked for")
    default: {
      const wanted = choice.toLowerCase()
      for (const source of ['system', 'embedded'] as const) {
        for (const name of await adapterNames(source, options)) {
          const adapter = await request(source, options, {}, name)
          if (!adapter) continue
          const candidate = found(source, adapter, `its name contains '${choice}'`)
          if (`${name} ${candidate.caps.name}`.toLowerCase().includes(wanted)) return candidate
        }
      }
      throw await impossible(`no adapter's name contains '${choice}'`)
    }
  }
}

/** Caps of a device that the caller opened. */
export function capsOfDevice(gpu: GPUDevice): AdapterCaps {
  return readCaps({ info: gpu.adapterInfo, features: gpu.features, limits: gpu.limits }, backendName())
}
