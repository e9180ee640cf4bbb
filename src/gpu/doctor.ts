import type { AdapterCaps } from '../platform/caps.js'
import { type AdapterSource, enumerateAdapters } from '../platform/index.js'

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
