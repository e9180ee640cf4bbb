import type { AdapterCaps } from './caps.js'

/**
 * Which adapter to take: 'auto' is the best there is (hardware, then system software, then embedded);
 * 'hardware', 'software' and 'embedded' are kinds; any other string is looked for in the adapters' names. Browsers offer
 * one adapter, and one that runs on the CPU ('software' and 'embedded' alike).
 */
export type AdapterChoice = 'auto' | 'hardware' | 'software' | 'embedded' | (string & {})

/** Whose driver an adapter comes from. */
export type AdapterSource = 'system' | 'embedded' | 'browser'

export interface FoundAdapter {
  readonly adapter: GPUAdapter
  readonly caps: AdapterCaps
  readonly source: AdapterSource
  /** Why this one, for the printable line. */
  readonly reason: string
}

export interface InstanceOptions {
  /** False lets shaders run without bounds checks (Dawn's disable_robustness). */
  readonly robustness: boolean
  /** Which of two GPUs, where a machine has them; a wish. Default: high-performance. */
  readonly powerPreference?: GPUPowerPreference | undefined
}
