import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @param {string} place
 * @returns {string[]} it, or the files below it, in a fixed order; nothing where there is none
 */
function filesOf(place) {
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (!found.isDirectory()) return [place]
  return readdirSync(place)
    .sort()
    .flatMap((name) => filesOf(join(place, name)))
}

/**
 * @param {readonly string[]} places files and folders
 * @returns {string} SHA-256 of all names and contents
 */
export function digestOf(places) {
  const hash = createHash('sha256')
  for (const file of places.flatMap(filesOf)) {
    const bytes = readFileSync(file)
    hash.update(`${JSON.stringify(file)} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}
