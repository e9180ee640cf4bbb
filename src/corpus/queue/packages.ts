import type * as Bullmq from 'bullmq'
import type { Redis } from 'ioredis'
import { FaceError } from '../../errors.js'
import { messageOf } from '../../realms.js'

/** What the queue is made of; the package does without until one is used. */
export interface QueuePackages {
  readonly bullmq: typeof Bullmq
  readonly Redis: typeof Redis
}

/** The versions that this package is tested with. */
const INSTALL = 'npm install bullmq@6.7.0 ioredis@5.11.1'

/** @throws FaceError MISSING_DEPENDENCY that says what to install */
export async function loadQueuePackages(): Promise<QueuePackages> {
  try {
    // One by one: only an import that is awaited within try is one that bundlers may not find.
    const bullmq = await import('bullmq')
    const { Redis } = await import('ioredis')
    return { bullmq, Redis }
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n')
    throw new FaceError(
      'MISSING_DEPENDENCY',
      `the queue runs on BullMQ, which is not installed or does not load (${reason}); "${INSTALL}" beside deepfaceflow`,
      { packages: ['bullmq', 'ioredis'], install: INSTALL },
      { cause },
    )
  }
}
