import type { Redis } from 'ioredis'
import type { QueueAddress } from './address.js'
import type { QueuePackages } from './packages.js'
import type { QueuedEntry, QueueEntry } from './types.js'

/** A queue on its server, as a worker needs it. */
export interface QueueConnection {
  readonly name: string
  readonly packages: QueuePackages
  readonly address: QueueAddress
  readonly client: Redis
}

/** Keys of all queues begin so on the server. */
export const KEY_PREFIX = 'deepfaceflow'

/** Why an entry was set aside, by the reason that BullMQ has for it. */
export function reasonOf(failedReason: string): string {
  return /stalled more than/.test(failedReason)
    ? 'its worker died or was cut off each time: it may exhaust the memory or crash the driver'
    : failedReason
}

/** The id of a queued entry; empty for what another program put there. */
export function idOf({ data }: { readonly data: QueuedEntry<QueueEntry> | null }): string {
  const id: unknown = (data as Partial<QueuedEntry<QueueEntry>> | null)?.entry?.id
  return typeof id === 'string' ? id : ''
}
