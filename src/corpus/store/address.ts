import { FaceError } from '../../errors.js'

/** Bucket and the beginning of all names in it. */
export interface StoreAddress {
  readonly bucket: string
  /** Without slashes around it; may be empty. */
  readonly prefix: string
  readonly shown: string
}

/** Whether an output is named in object storage rather than in a folder. */
export function isStoreAddress(output: string): boolean {
  return /^s3:\/\//i.test(output)
}

/**
 * Reads `s3://bucket/prefix`.
 * @throws FaceError INVALID_ARGUMENT
 */
export function parseStoreAddress(text: string): StoreAddress {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(text) ?? []
  const parts = rest.split('/').filter((part) => part !== '')
  const fail = (why: string) =>
    new FaceError('INVALID_ARGUMENT', `${text}: ${why}; give s3://bucket/prefix`, { address: text })
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw fail('the name of a bucket has 3 to 63 of a-z, 0-9, . and -')
  }
  if (parts.some((part) => part === '.' || part === '..' || /[?#]|\p{Cc}/u.test(part))) {
    throw fail('the prefix has parts or characters that names of objects do without')
  }
  const prefix = parts.join('/')
  return { bucket, prefix, shown: `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}` }
}
