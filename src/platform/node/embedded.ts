import { createReadStream, existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'
import { EngineError } from '../../errors.js'
import { cacheFolder } from './cache-folder.js'

const PACKAGE = '@sparticuz/chromium'
const MANIFEST = 'vk_swiftshader_icd.json'
const LOADER = 'libvulkan.so.1'
/** The rest of the archive (EGL, GLES) is of no use here. */
const WANTED: ReadonlySet<string> = new Set(['libvk_swiftshader.so', LOADER, MANIFEST])

/** SwiftShader, a Vulkan driver that runs on the CPU, and the Vulkan loader it comes with; unpacked. */
export interface EmbeddedDriver {
  /** The driver's manifest (ICD json), which lies beside the driver. */
  readonly manifest: string
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
    folder = dirname(createRequire(import.meta.url).resolve(PACKAGE))
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

async function isComplete(folder: string): Promise<boolean> {
  try {
    const facts = await Promise.all([...WANTED].map((name) => stat(join(folder, name))))
    return facts.every((file) => file.isFile() && file.size > 0)
  } catch {
    return false
  }
}

async function unpack(archive: string, folder: string): Promise<void> {
  const tar = extract()
  const writing = (async () => {
    for await (const entry of tar) {
      const name = entry.header.name.replace(/^\.\//, '')
      if (entry.header.type !== 'file' || !WANTED.has(name)) {
        entry.resume()
        continue
      }
      const chunks: Uint8Array[] = []
      for await (const chunk of entry) chunks.push(chunk as Uint8Array)
      await writeFile(join(folder, name), Buffer.concat(chunks))
      await chmod(join(folder, name), 0o555)
    }
  })()
  await Promise.all([pipeline(createReadStream(archive), createBrotliDecompress(), tar), writing])
}

async function prepare(): Promise<EmbeddedDriver> {
  const archive = await findArchive()
  const cache = await cacheFolder()
  const folder = join(cache, `swiftshader-${archive.version}`)
  if (!(await isComplete(folder))) {
    // Unpacked beside its place and renamed, so that no process ever sees half a driver. Of two processes
    // that come here at once the second finds the name taken and uses what the first put there.
    const work = await mkdtemp(join(cache, 'unpack-'))
    try {
      await unpack(archive.path, work)
      if (!(await isComplete(work))) throw new Error(`${archive.path} lacks ${[...WANTED].join(', ')}`)
      await rename(work, folder).catch(async (error: unknown) => {
        if (!(await isComplete(folder))) throw error
      })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new EngineError(
        'NO_ADAPTER',
        `cannot unpack the embedded adapter to ${folder}: ${reason}`,
        {},
        { cause },
      )
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  }
  return { manifest: join(folder, MANIFEST), loader: join(folder, LOADER) }
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
