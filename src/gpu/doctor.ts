import type { AdapterCaps } from '../platform/caps.js'
import { type AdapterSource, chooseAdapter, enumerateAdapters, environment } from '../platform/index.js'

/** What {@link listAdapters} says of an adapter. */
export interface AdapterReport {
  readonly source: AdapterSource
  /** The name that Dawn knows the adapter by and that an adapter choice may contain. */
  readonly device: string
  readonly caps: AdapterCaps
  /** All WebGPU features, sorted. */
  readonly features: readonly string[]
}

/** Every adapter that `openDevice` could take, the system's first. Opens none. */
export async function listAdapters(): Promise<AdapterReport[]> {
  const adapters = await enumerateAdapters()
  return adapters.map(({ adapter, caps, source, reason }) => {
    return { source, device: reason, caps, features: [...adapter.features].sort() }
  })
}

/**
 * Whether the adapter that a choice leads to computes on the processor. Opens no device.
 * @param choice as `CreateOptions.adapter`; default as there
 * @throws EngineError NO_ADAPTER
 */
export async function computesInSoftware(choice?: string): Promise<boolean> {
  const wanted = choice ?? environment('DEEPFACEFLOW_ADAPTER') ?? 'auto'
  if (wanted === 'embedded' || wanted === 'software') return true
  return (await chooseAdapter(wanted, { robustness: true })).caps.software
}
