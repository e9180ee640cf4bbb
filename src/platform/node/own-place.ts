import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * The file that this code is in. A bundle in CommonJS does not know; then the program's, from where its packages are found
 * as well.
 */
export function ownFile(): string {
  const url: string | undefined = import.meta.url
  return url?.startsWith('file:')
    ? fileURLToPath(url)
    : (process.argv[1] ?? join(process.cwd(), 'program.js'))
}

/** What is used of Node's `require`. Declared here: programs that link the package need no types of Node. */
export interface Require {
  (id: string): unknown
  resolve(id: string): string
}

/** `require` as this code sees it; what of this package it finds is told by `packageRequire`. */
export function ownRequire(): Require {
  return createRequire(pathToFileURL(ownFile()))
}
