import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors } from '../src/engine.js'
import { decodePhoto, type Rgba } from '../src/index.js'

/** A registered pair with its exact flow, stored at every second pixel (test/fixtures/eval/README.md). */
export interface TruePair {
  readonly name: string
  readonly a: Rgba
  readonly b: Rgba
  /** 112x112x3, template px. */
  readonly flow: Float32Array
  /** 112x112, see STATE. */
  readonly state: Uint8Array
  /** Yaw of A and of B, degrees. */
  readonly yaw: readonly [number, number]
}

/** Side of the stored truth. */
export const TRUTH_SIZE = 112

export async function readPairs(folder: string): Promise<TruePair[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort()
  return await Promise.all(
    names.map(async (file) => {
      const name = file.slice(0, -'.safetensors'.length)
      const truth = await readSafetensors(join(folder, file))
      const pose = truth.note('pose').split(',').map(Number)
      return {
        name,
        a: await decodePhoto(join(folder, `${name}-1.png`)),
        b: await decodePhoto(join(folder, `${name}-2.png`)),
        flow: truth.tensor('flow', [TRUTH_SIZE, TRUTH_SIZE, 3]),
        state: truth.bytes('state', [TRUTH_SIZE, TRUTH_SIZE]),
        yaw: [pose[0] ?? Number.NaN, pose[3] ?? Number.NaN] as const,
      }
    }),
  )
}
