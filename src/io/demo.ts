import { join } from 'node:path'
import { packageFacts } from '../platform/index.js'

/** The demo's photos: calm face turned aside, and wide laugh seen from the front. */
export function demoPhotos(): [a: string, b: string] {
  const folder = join(packageFacts().root, 'demo')
  return [join(folder, 'franck_01829.jpg'), join(folder, 'franck_04117.jpg')]
}
