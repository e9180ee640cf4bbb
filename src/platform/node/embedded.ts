import { createReadStream, existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { EngineError } from '../../errors.js'
import { messageOf } from '../../realms.js'
import { cacheFolder } from './cache-folder.js'
import { packageRequire } from './package-root.js'
import { isIntact, storeFiles } from './stored-files.js'
import { tarStream } from './tar.js'

const PACKAGE = '@sparticuz/chromium'
const MANIFEST = 'vk_swiftshader_icd.json'
const LOADER = 'libvulkan.so.1'
const DRIVER = 'libvk_swiftshader.so'
/** The rest of the archive (EGL, GLES) is of no use here. */
const WANTED: readonly string[] = [DRIVER, LOADER, MANIFEST]

/** SwiftShader, a Vulkan driver that runs on the CPU, and the Vulkan loader it comes with; unpacked. */
export interface EmbeddedDriver {
  /** The driver's manifest (ICD json), which lies beside the driver. */
  readonly manifest: string
  /** The driver itself. It answers to the loader's name, too: see `unpackFiles`. */
  readonly driver: string
  readonly loader: string
}

interface Archive {
  readonly path: string
  readonly version: string
}

async function findArchive(): Promise<Archive> {
  if (process.platform !== 'linux')
    throw new EngineError(
      'NO_ADAPTER',
      `the embedded adapter exists for Linux only, this is ${process.platform}`,
    )
  let folder: string
  try {
    folder = dirname(packageRequire().resolve(PACKAGE))
  } catch (cause) {
    throw new EngineError(
      'NO_ADAPTER',
      `the embedded adapter needs the optional package ${PACKAGE}, which is not installed (npm install ${PACKAGE})`,
      {},
      { cause },
    )
  }
  // The package exports neither its manifest nor its data files, so they are found from its main file.
  while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) {
    if (folder === dirname(folder))
      throw new EngineError(
        'NO_ADAPTER',
        `${PACKAGE} holds no bin/swiftshader.tar.br; deepfaceflow was made for 147`,
      )
    folder = dirname(folder)
  }
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string }
  return { path: join(folder, 'bin', 'swiftshader.tar.br'), version }
}

/**
 * The wanted files of the archive.
 *
 * The driver also works without a loader, if Dawn finds it under the loader's name. The dynamic linker knows a loaded
 * library by the name it gives itself (SONAME), so the driver gets the loader's: a string in its table of names, found
 * once and replaced by a shorter one.
 */
async function unpackFiles(archive: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const tar = tarStream().extract()
  const reading = (async () => {
    for await (const entry of tar) {
      const name = entry.header.name.replace(/^\.\//, '')
      if (entry.header.type !== 'file' || !WANTED.includes(name)) {
        entry.resume()
        continue
      }
      const chunks: Uint8Array[] = []
      for await (const chunk of entry) chunks.push(chunk as Uint8Array)
      files.set(name, Buffer.concat(chunks))
    }
  })()
  await Promise.all([pipeline(createReadStream(archive), createBrotliDecompress(), tar), reading])
  const missing = WANTED.filter((name) => !files.has(name))
  if (missing.length > 0) throw new Error(`${archive} lacks ${missing.join(', ')}`)
  const driver = files.get(DRIVER) as Buffer
  const at = driver.indexOf(`\0${DRIVER}\0`, 0, 'latin1')
  if (at < 0) throw new Error(`${archive}: ${DRIVER} does not name itself`)
  driver.fill(0, at + 1, at + 1 + DRIVER.length)
  driver.write(LOADER, at + 1, 'latin1')
  return files
}

async function prepare(): Promise<EmbeddedDriver> {
  const archive = await findArchive()
  const cache = await cacheFolder()
  const folder = join(cache, `swiftshader-${archive.version}`)
  try {
    if (!(await isIntact(folder, WANTED))) await storeFiles(folder, await unpackFiles(archive.path))
  } catch (cause) {
    throw new EngineError(
      'NO_ADAPTER',
      `cannot unpack the embedded adapter to ${folder}: ${messageOf(cause)}; ` +
        'free space there or set XDG_CACHE_HOME to another folder',
      { folder },
      { cause },
    )
  }
  return { manifest: join(folder, MANIFEST), driver: join(folder, DRIVER), loader: join(folder, LOADER) }
}

let prepared: Promise<EmbeddedDriver> | undefined

/**
 * The embedded driver, unpacked on first use to the user's cache folder.
 *
 * @throws EngineError NO_ADAPTER if this is not Linux, the package is missing or nothing can be written
 */
export function embeddedDriver(): Promise<EmbeddedDriver> {
  prepared ??= prepare().catch((error: unknown) => {
    prepared = undefined
    throw error
  })
  return prepared
}
