import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodePhoto, type Rgba } from '../src/index.js'

/** Registered real frames (test/fixtures/eval/README.md). File names are relative to the set's folder. */
export interface RealSet {
  /** Consecutive frames of a video. Flows go from the first to each of the others. */
  readonly sequences: readonly { readonly name: string; readonly frames: readonly string[] }[]
  /** Frames far apart in time. */
  readonly pairs: readonly (readonly [string, string])[]
  /** 68x2 of each file, template px. */
  readonly landmarks: Readonly<Record<string, readonly number[]>>
}

export interface RealPair {
  readonly name: string
  readonly a: Rgba
  readonly b: Rgba
  readonly landmarksA: readonly number[]
  readonly landmarksB: readonly number[]
  /** Name of the sequence that it belongs to; its pairs come in order. */
  readonly sequence?: string
}

export const REAL_FOLDER = join('test', 'fixtures', 'eval', 'real')

/** Pairs of a set: first to every later frame of each sequence, then the far ones. */
export async function readRealPairs(folder: string): Promise<RealPair[]> {
  const set = JSON.parse(await readFile(join(folder, 'frames.json'), 'utf8')) as RealSet
  const frames = new Map<string, Promise<Rgba>>()
  const frame = (name: string): Promise<Rgba> => {
    const known = frames.get(name) ?? decodePhoto(join(folder, name))
    frames.set(name, known)
    return known
  }
  const pair = async (a: string, b: string, sequence?: string): Promise<RealPair> => ({
    name: `${stem(a)} to ${stem(b)}`,
    a: await frame(a),
    b: await frame(b),
    landmarksA: set.landmarks[a] ?? [],
    landmarksB: set.landmarks[b] ?? [],
    ...(sequence !== undefined && { sequence }),
  })
  const inSequences = set.sequences.flatMap(({ name, frames: [first = '', ...later] }) =>
    later.map((b) => pair(first, b, name)),
  )
  return await Promise.all([...inSequences, ...set.pairs.map(([a, b]) => pair(a, b))])
}

function stem(file: string): string {
  return file.replace(/^.*\//, '').replace(/\.\w+$/, '')
}
