import { FaceError } from '../../errors.js'

/** Where the queue's server is. */
export interface QueueAddress {
  /** As the client takes it, password included: never printed. */
  readonly url: string
  /** For messages: the password is `***`. */
  readonly shown: string
}

const SCHEMES: Readonly<Record<string, string>> = {
  'redis:': 'redis:',
  'rediss:': 'rediss:',
  'valkey:': 'redis:',
  'valkeys:': 'rediss:',
}

const FORM =
  'redis://user:password@host:6379/0 (rediss:// with TLS; user, password, port and number may be left out)'

/**
 * Reads the address of a Redis or Valkey server.
 * @throws FaceError INVALID_ARGUMENT, which never repeats the text: it may hold a password
 */
export function parseQueueAddress(text: string): QueueAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw invalid('is no address', cause)
  }
  const scheme = SCHEMES[url.protocol]
  if (scheme === undefined) throw invalid('begins with none of redis://, rediss://, valkey:// and valkeys://')
  if (url.hostname === '') throw invalid('names no host')
  if (!/^\/?\d*$/.test(url.pathname))
    throw invalid('has something other than the number of a database behind the host')
  if (url.search !== '' || url.hash !== '') throw invalid('has something behind the database')
  const rest = `${url.host}${url.pathname === '/' ? '' : url.pathname}`
  const secret = url.password === '' ? '' : ':***'
  const shown = `${scheme}//${url.username}${secret}${url.username + secret === '' ? '' : '@'}${rest}`
  // The URL class keeps what is behind an unknown scheme as it is, so only the scheme is exchanged.
  return { url: `${scheme}${url.href.slice(url.protocol.length)}`, shown }
}

function invalid(what: string, cause?: unknown): FaceError {
  return new FaceError(
    'INVALID_ARGUMENT',
    `the address of the queue ${what}; give ${FORM}, and in a password write / ? # @ : and % as %2F %3F %23 %40 %3A %25`,
    {},
    { cause },
  )
}
