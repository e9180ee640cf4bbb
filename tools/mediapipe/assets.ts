import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EngineError } from '../../src/errors.js'

const run = promisify(execFile)

export const PACKAGE = '@mediapipe/face_mesh@0.4.1657299874'
const LICENCE = 'Apache-2.0, Copyright The MediaPipe Authors'
const ASSET_FILE = 'face_mesh_solution_packed_assets.data'
const ASSET_BYTES = 3_986_256

/** Parts of the asset file (byte ranges, end exclusive). */
export const PARTS = {
  attentionMesh: [0, 2_495_952],
  mesh: [2_495_952, 3_737_848],
  geometry: [3_737_848, 3_757_224],
  detector: [3_757_224, 3_986_256],
} as const satisfies Record<string, readonly [number, number]>

export type PartName = keyof typeof PARTS

const SELFIE = {
  package: '@mediapipe/selfie_segmentation@0.1.1675465747',
  file: 'selfie_segmentation.tflite',
  bytes: 249_024,
} as const

/** A part's bytes and where they come from, ready to be written into a weight file's metadata. */
export interface Part {
  readonly bytes: Uint8Array
  readonly provenance: Readonly<Record<string, string>>
}

/**
 * The asset file of the MediaPipe package, from `source` (the file, or the folder of the unpacked package), or
 * freshly fetched with `npm pack` where none is given.
 * @throws EngineError INVALID_INPUT if the file is missing or of another size, EXTERNAL_TOOL if npm or tar fails
 */
export async function readAssets(source: string | undefined): Promise<Uint8Array> {
  return await readAsset({ package: PACKAGE, file: ASSET_FILE, bytes: ASSET_BYTES }, source)
}

/**
 * The selfie segmentation of MediaPipe's package for it, as `readAssets` has the others.
 * @throws EngineError as `readAssets`
 */
export async function readSelfieSegmentation(source: string | undefined): Promise<Part> {
  const bytes = await readAsset(SELFIE, source)
  return {
    bytes,
    provenance: {
      source: SELFIE.package,
      source_file: SELFIE.file,
      source_bytes: `0..${SELFIE.bytes}`,
      source_sha256: createHash('sha256').update(bytes).digest('hex'),
      licence: LICENCE,
    },
  }
}

interface Asset {
  readonly package: string
  readonly file: string
  readonly bytes: number
}

async function readAsset(asset: Asset, source: string | undefined): Promise<Uint8Array> {
  if (source === undefined) return await fetchAsset(asset)
  const isFolder = await stat(source).then(
    (s) => s.isDirectory(),
    () => false,
  )
  const file = isFolder ? join(source, asset.file) : source
  let bytes: Uint8Array
  try {
    // A Buffer's slice() is a view, a Uint8Array's a copy: parts must not keep the whole file alive.
    bytes = new Uint8Array(await readFile(file))
  } catch (cause) {
    throw new EngineError(
      'INVALID_INPUT',
      `${file}: cannot be read; leave --assets out to fetch ${asset.package} with npm`,
      { file },
      { cause },
    )
  }
  if (bytes.length !== asset.bytes) {
    throw new EngineError(
      'INVALID_INPUT',
      `${file}: ${bytes.length} bytes where ${asset.file} of ${asset.package} has ${asset.bytes}; use that version`,
      { file },
    )
  }
  return bytes
}

async function fetchAsset(asset: Asset): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'deepfaceflow-assets-'))
  try {
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, asset.package])
    await run('tar', ['xzf', join(folder, stdout.trim()), '-C', folder])
    return await readAsset(asset, join(folder, 'package'))
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError(
      'EXTERNAL_TOOL',
      `${asset.package} could not be fetched and unpacked with npm and tar; pass --assets PATH`,
      {},
      { cause },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export function assetPart(assets: Uint8Array, name: PartName): Part {
  const [begin, end] = PARTS[name]
  const bytes = assets.slice(begin, end)
  return {
    bytes,
    provenance: {
      source: PACKAGE,
      source_file: ASSET_FILE,
      source_bytes: `${begin}..${end}`,
      source_sha256: createHash('sha256').update(bytes).digest('hex'),
      licence: LICENCE,
    },
  }
}
