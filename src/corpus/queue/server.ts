import type { Redis } from 'ioredis'
import { FaceError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import type { QueueAddress } from './address.js'
import type { QueuePackages } from './packages.js'

/** A server that does not answer within this is none, ms. */
const CONNECT_MS = 10_000
/** Pauses between tries to reach a server that went away, ms: a twentieth of a second more each, up to two. */
const retryPause = (tries: number): number => Math.min(tries * 50, 2000)

/** Tries to reach it again before a command that is no worker's fails: half a minute. */
const TRIES = 24

/** How the connections of a worker behave: it waits for its server, and gives up by a clock of its own. */
export const WORKER_CONNECTION = {
  connectTimeout: CONNECT_MS,
  retryStrategy: retryPause,
  maxRetriesPerRequest: null,
} as const

/**
 * The first connection: refused at once where the server is not there, wants another password, has no such database or
 * is something else.
 * @throws FaceError EXTERNAL_TOOL, one line without the password
 */
export async function connectServer({ Redis }: QueuePackages, address: QueueAddress): Promise<Redis> {
  let isAnswered = false
  const client = new Redis(address.url, {
    connectTimeout: CONNECT_MS,
    maxRetriesPerRequest: TRIES,
    lazyConnect: true,
    retryStrategy: (tries) => (isAnswered ? retryPause(tries) : null),
  })
  // The client goes on after some refusals (a database that does not exist is database 0 to it): the first one counts.
  let refusal: unknown = null
  const onError = (error: unknown) => {
    refusal ??= error
  }
  client.on('error', onError)
  try {
    await client.connect()
    await client.ping()
    if (refusal !== null) throw refusal
  } catch (cause) {
    client.disconnect()
    throw serverFailed(address, refusal ?? cause)
  }
  isAnswered = true
  client.off('error', onError)
  // Without a listener each lost connection would be printed by the client itself.
  client.on('error', () => undefined)
  return client
}

/** A failure of the server in the words of the one who has to mend it. */
export function serverFailed(address: QueueAddress, cause: unknown): FaceError {
  const { code } = cause as { code?: string }
  const message = messageOf(cause).split('\n')[0] ?? ''
  const [what, remedy] = explain(code ?? '', message)
  return new FaceError(
    'EXTERNAL_TOOL',
    `the queue's server ${address.shown}: ${what}; ${remedy}`,
    { server: address.shown, ...(code !== undefined && { code }) },
    { cause },
  )
}

function explain(code: string, message: string): [what: string, remedy: string] {
  if (/WRONGPASS|NOAUTH|invalid password|ERR AUTH/i.test(message)) {
    return ['refuses the password or wants one', 'give it in the address, redis://user:password@host']
  }
  if (/NOPERM/.test(message))
    return ['does not let this user do what a queue needs', 'give the user all commands']
  if (/DB index/i.test(message))
    return ['has no database of that number', 'leave the number out of the address']
  if (/WRONGTYPE/.test(message)) {
    return ['holds data of another program under the names of this queue', 'choose another --name']
  }
  if (/OOM command/.test(message)) return ['is out of memory', 'raise its maxmemory']
  if (/READONLY|MISCONF|LOADING/.test(message))
    return [`cannot be written to now (${message})`, 'see its own log']
  switch (code) {
    case 'ECONNREFUSED':
      return ['nothing listens there (ECONNREFUSED)', 'start it, or check host and port']
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [`the host is not known (${code})`, 'check its name']
    case 'ETIMEDOUT':
      return [
        `does not answer within ${CONNECT_MS / 1000} s`,
        'check host, port and firewall, and rediss:// for TLS',
      ]
    default:
      return [
        `cannot be used (${message || code || 'no reason given'})`,
        'check that it is Redis >= 6.2 or Valkey',
      ]
  }
}
