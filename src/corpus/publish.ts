import { lstat, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { outputFailed } from '../platform/node/atomic.js'
import { DATASET_FILES, readDataset } from './dataset.js'
import { SHARDS } from './shard-writer.js'

/*
 * A data set takes the place of another one in several renames, and may hold the only copy of samples that took hours. So it is first there
 * as a whole, under a name of its own; whoever finds it there has only to finish what a killed process began.
 */

/** Below the corpus's folder: a data set that is complete, and on its way to its place. */
const ASSEMBLED = '.assembled'

/**
 * Puts a finished data set in the place of the one before.
 * @param folder with all its files, `dataset.json` too, beside each other and on the disk; it is gone afterwards
 * @throws FaceError OUTPUT_FAILED
 */
export async function publishDataset(set: string, folder: string): Promise<void> {
  await finishPublishing(set)
  try {
    await rename(folder, join(set, ASSEMBLED))
  } catch (cause) {
    throw outputFailed(join(set, ASSEMBLED), cause)
  }
  await finishPublishing(set)
}

/**
 * Finishes what a process that was killed began to publish.
 * @throws FaceError OUTPUT_FAILED
 */
export async function finishPublishing(set: string): Promise<void> {
  const from = join(set, ASSEMBLED)
  const dataset = await readDataset(from)
  // Without it all has been moved, but for the folder.
  if (dataset === null) return await rm(from, { recursive: true, force: true })
  try {
    // From here on until it is there again the folder holds no data set.
    await rm(join(set, DATASET_FILES.dataset), { force: true })
    if (dataset.shards.length === 0 || (await exists(join(from, SHARDS)))) {
      await rm(join(set, SHARDS), { recursive: true, force: true })
    }
    for (const name of [SHARDS, ...Object.keys(dataset.files), DATASET_FILES.dataset]) {
      if (await exists(join(from, name))) await rename(join(from, name), join(set, name))
    }
    await rm(from, { recursive: true, force: true })
  } catch (cause) {
    throw outputFailed(set, cause)
  }
}

/** Where the shards of a corpus's folder are at this moment. */
export async function shardsFolder(set: string): Promise<string> {
  const under = join(set, ASSEMBLED, SHARDS)
  return (await exists(under)) ? under : join(set, SHARDS)
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}
